#include "server/jobs/names.h"

#include <array>
#include <cstddef>

namespace headscope::server {
namespace {

// Names in the order of the enumerators.
template <typename Enum>
struct NamesOf;

template <>
struct NamesOf<JobState> {
  static constexpr std::array<std::string_view, 7> kNames = {
      "QUEUED", "PREPARING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"};
};
template <>
struct NamesOf<Phase> {
  static constexpr std::array<std::string_view, 2> kNames = {"PREPARE", "SCORE"};
};
template <>
struct NamesOf<ShardState> {
  static constexpr std::array<std::string_view, 4> kNames = {"QUEUED", "LEASED", "DONE", "ABANDONED"};
};
template <>
struct NamesOf<Outcome> {
  static constexpr std::array<std::string_view, 6> kNames = {"RUNNING",  "COMPLETED",   "FAILED",
                                                             "RELEASED", "WORKER_LOST", "CANCELLED"};
};
template <>
struct NamesOf<DType> {
  static constexpr std::array<std::string_view, 3> kNames = {"float32", "float64", "bfloat16"};
};
template <>
struct NamesOf<EngineKind> {
  static constexpr std::array<std::string_view, 2> kNames = {"reference", "fast"};
};
template <>
struct NamesOf<OnInvalid> {
  static constexpr std::array<std::string_view, 2> kNames = {"refuse", "skip"};
};
template <>
struct NamesOf<LossScale> {
  static constexpr std::array<std::string_view, 3> kNames = {"per-sample-mean", "sum", "batch-token-mean"};
};
template <>
struct NamesOf<Absolute> {
  static constexpr std::array<std::string_view, 3> kNames = {"per-sample", "none", "per-token"};
};
template <>
struct NamesOf<Positions> {
  static constexpr std::array<std::string_view, 3> kNames = {"all", "prompt", "response"};
};
template <>
struct NamesOf<LayerNorm> {
  static constexpr std::array<std::string_view, 2> kNames = {"none", "l2"};
};
template <>
struct NamesOf<HeadAxis> {
  static constexpr std::array<std::string_view, 2> kNames = {"query", "kv"};
};

template <typename Enum>
std::string_view NameOf(Enum value) {
  return NamesOf<Enum>::kNames.at(static_cast<std::size_t>(value));
}

}  // namespace

std::string_view Name(JobState state) { return NameOf(state); }
std::string_view Name(Phase phase) { return NameOf(phase); }
std::string_view Name(ShardState state) { return NameOf(state); }
std::string_view Name(Outcome outcome) { return NameOf(outcome); }
std::string_view Name(DType dtype) { return NameOf(dtype); }
std::string_view Name(EngineKind engine) { return NameOf(engine); }
std::string_view Name(OnInvalid on_invalid) { return NameOf(on_invalid); }
std::string_view Name(LossScale loss_scale) { return NameOf(loss_scale); }
std::string_view Name(Absolute absolute) { return NameOf(absolute); }
std::string_view Name(Positions positions) { return NameOf(positions); }
std::string_view Name(LayerNorm layer_norm) { return NameOf(layer_norm); }
std::string_view Name(HeadAxis head_axis) { return NameOf(head_axis); }

template <typename Enum>
std::optional<Enum> FromName(std::string_view name) {
  const auto& names = NamesOf<Enum>::kNames;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

template std::optional<JobState> FromName(std::string_view);
template std::optional<Phase> FromName(std::string_view);
template std::optional<ShardState> FromName(std::string_view);
template std::optional<Outcome> FromName(std::string_view);
template std::optional<DType> FromName(std::string_view);
template std::optional<EngineKind> FromName(std::string_view);
template std::optional<OnInvalid> FromName(std::string_view);
template std::optional<LossScale> FromName(std::string_view);
template std::optional<Absolute> FromName(std::string_view);
template std::optional<Positions> FromName(std::string_view);
template std::optional<LayerNorm> FromName(std::string_view);
template std::optional<HeadAxis> FromName(std::string_view);

}  // namespace headscope::server
