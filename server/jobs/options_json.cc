#include "server/jobs/options_json.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/jobs/names.h"

namespace headscope::server {
namespace {

using Json = nlohmann::json;

// Reads fields of one object; remembers the first that is not what it should be.
class Reader {
 public:
  explicit Reader(std::string_view text) : object_(Json::parse(text, nullptr, /*allow_exceptions=*/false)) {
    if (!object_.is_object()) Refuse("the text");
  }

  template <typename Enum>
  void Read(const char* key, Enum& value) {
    const Json* field = Find(key);
    if (field == nullptr) return;
    const std::optional<Enum> read =
        field->is_string() ? FromName<Enum>(field->get_ref<const std::string&>()) : std::nullopt;
    if (!read) return Refuse(key);
    value = *read;
  }

  void Read(const char* key, std::string& value) {
    const Json* field = Find(key);
    if (field == nullptr) return;
    if (!field->is_string()) return Refuse(key);
    value = field->get<std::string>();
  }

  void Read(const char* key, bool& value) {
    const Json* field = Find(key);
    if (field == nullptr) return;
    if (!field->is_boolean()) return Refuse(key);
    value = field->get<bool>();
  }

  void Read(const char* key, std::uint32_t& value) {
    const Json* field = Find(key);
    if (field == nullptr) return;
    if (!field->is_number_unsigned() || field->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) {
      return Refuse(key);
    }
    value = field->get<std::uint32_t>();
  }

  void Read(const char* key, std::optional<std::uint32_t>& value) {
    if (Find(key) == nullptr) return;
    std::uint32_t number = 0;
    Read(key, number);
    value = number;
  }

  const absl::Status& status() const { return status_; }

 private:
  const Json* Find(const char* key) {
    if (!status_.ok()) return nullptr;
    const auto field = object_.find(key);
    return field == object_.end() ? nullptr : &*field;
  }

  void Refuse(const char* what) {
    status_ = absl::DataLossError(absl::StrCat("stored options: ", what, " is not what was written"));
  }

  Json object_;
  absl::Status status_;
};

}  // namespace

std::string ToJson(const ComputeOptions& options) {
  Json object = {{"method", options.method},
                 {"engine", Name(options.engine)},
                 {"dtype", Name(options.dtype)},
                 {"append_eos", options.append_eos},
                 {"on_invalid", Name(options.on_invalid)},
                 {"record_tokens", options.record_tokens}};
  if (options.max_tokens) object["max_tokens"] = *options.max_tokens;
  return object.dump();
}

std::string ToJson(const ReductionOptions& options) {
  const Json object = {{"loss_scale", Name(options.loss_scale)}, {"script_batch", options.script_batch},
                       {"absolute", Name(options.absolute)},     {"positions", Name(options.positions)},
                       {"layer_norm", Name(options.layer_norm)}, {"head_axis", Name(options.head_axis)}};
  return object.dump();
}

absl::StatusOr<ComputeOptions> ComputeOptionsFromJson(std::string_view json) {
  Reader reader(json);
  ComputeOptions options;
  reader.Read("method", options.method);
  reader.Read("engine", options.engine);
  reader.Read("dtype", options.dtype);
  reader.Read("append_eos", options.append_eos);
  reader.Read("max_tokens", options.max_tokens);
  reader.Read("on_invalid", options.on_invalid);
  reader.Read("record_tokens", options.record_tokens);
  if (!reader.status().ok()) return reader.status();
  return options;
}

absl::StatusOr<ReductionOptions> ReductionOptionsFromJson(std::string_view json) {
  Reader reader(json);
  ReductionOptions options;
  reader.Read("loss_scale", options.loss_scale);
  reader.Read("script_batch", options.script_batch);
  reader.Read("absolute", options.absolute);
  reader.Read("positions", options.positions);
  reader.Read("layer_norm", options.layer_norm);
  reader.Read("head_axis", options.head_axis);
  if (!reader.status().ok()) return reader.status();
  return options;
}

}  // namespace headscope::server
