#include "client/headscope/options.h"

#include <utility>

namespace headscope::client {
namespace {

template <typename Enum>
using Names = std::vector<std::pair<Enum, std::string>>;

// One table per option, the default first: the only place where a value is spelled.
const Names<DType>& Table(DType) {
  static const Names<DType> names = {
      {DType::kFloat32, "float32"}, {DType::kFloat64, "float64"}, {DType::kBFloat16, "bfloat16"}};
  return names;
}

const Names<Engine>& Table(Engine) {
  static const Names<Engine> names = {{Engine::kFast, "fast"}, {Engine::kReference, "reference"}};
  return names;
}

const Names<OnInvalid>& Table(OnInvalid) {
  static const Names<OnInvalid> names = {{OnInvalid::kRefuse, "refuse"}, {OnInvalid::kSkip, "skip"}};
  return names;
}

const Names<LossScale>& Table(LossScale) {
  static const Names<LossScale> names = {{LossScale::kPerSampleMean, "per-sample-mean"},
                                         {LossScale::kSum, "sum"},
                                         {LossScale::kBatchTokenMean, "batch-token-mean"}};
  return names;
}

const Names<Absolute>& Table(Absolute) {
  static const Names<Absolute> names = {
      {Absolute::kPerSample, "per-sample"}, {Absolute::kNone, "none"}, {Absolute::kPerToken, "per-token"}};
  return names;
}

const Names<Positions>& Table(Positions) {
  static const Names<Positions> names = {
      {Positions::kAll, "all"}, {Positions::kPrompt, "prompt"}, {Positions::kResponse, "response"}};
  return names;
}

const Names<LayerNorm>& Table(LayerNorm) {
  static const Names<LayerNorm> names = {{LayerNorm::kNone, "none"}, {LayerNorm::kL2, "l2"}};
  return names;
}

const Names<HeadAxis>& Table(HeadAxis) {
  static const Names<HeadAxis> names = {{HeadAxis::kQuery, "query"}, {HeadAxis::kKvGroup, "kv"}};
  return names;
}

}  // namespace

template <typename Enum>
std::string NameOf(Enum value) {
  for (const auto& [candidate, name] : Table(Enum())) {
    if (candidate == value) return name;
  }
  return "unknown";
}

template <typename Enum>
std::optional<Enum> FromName(const std::string& name) {
  for (const auto& [value, candidate] : Table(Enum())) {
    if (candidate == name) return value;
  }
  return std::nullopt;
}

template <typename Enum>
std::vector<std::string> NamesOf() {
  std::vector<std::string> names;
  for (const auto& entry : Table(Enum())) names.push_back(entry.second);
  return names;
}

#define HEADSCOPE_OPTION(Enum)                                          \
  template std::string NameOf<Enum>(Enum);                              \
  template std::optional<Enum> FromName<Enum>(const std::string& name); \
  template std::vector<std::string> NamesOf<Enum>();
HEADSCOPE_OPTION(DType)
HEADSCOPE_OPTION(Engine)
HEADSCOPE_OPTION(OnInvalid)
HEADSCOPE_OPTION(LossScale)
HEADSCOPE_OPTION(Absolute)
HEADSCOPE_OPTION(Positions)
HEADSCOPE_OPTION(LayerNorm)
HEADSCOPE_OPTION(HeadAxis)
#undef HEADSCOPE_OPTION

}  // namespace headscope::client
