#include "worker/model/tokenizer/json_fields.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{128} << 20;
constexpr int kMaxNesting = 64;
constexpr std::size_t kMaxQuotedBytes = 60;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::string Path(std::string_view where, const char* key) {
  return where.empty() ? std::string(key) : absl::StrCat(View(where), ".", key);
}

// What a text would take of the parser.
struct Extent {
  int nesting = 0;
  // Brackets and commas: as many as values, or one more.
  std::size_t values = 1;
};

// Counts outside of strings, before the parser takes memory for it.
Extent MeasureJson(std::string_view text) {
  Extent extent;
  int depth = 0;
  bool in_string = false;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const char c = text[index];
    if (in_string) {
      if (c == '\\') ++index;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      extent.nesting = std::max(extent.nesting, ++depth);
      ++extent.values;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',') {
      ++extent.values;
    }
  }
  return extent;
}

absl::Status CheckExtent(std::string_view text) {
  const Extent extent = MeasureJson(text);
  if (extent.nesting > kMaxNesting) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON is nested ", extent.nesting, " levels deep, at most ", kMaxNesting, " are read"));
  }
  if (extent.values > kMaxJsonValues) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON of ", extent.values, " values, at most ", kMaxJsonValues, " are read"));
  }
  // The library takes a NUL byte for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("is not JSON: a NUL byte at byte ", nul));
  }
  return absl::OkStatus();
}

// Notices, while a text is parsed, the first key that an object has twice.
class RepeatedKeys {
 public:
  bool See(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      open_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(key).second && !key_.has_value()) key_ = key;
    }
    return true;
  }
  const std::optional<std::string>& key() const { return key_; }

 private:
  std::vector<absl::flat_hash_set<std::string>> open_;
  std::optional<std::string> key_;
};

// The library quotes what it read last, which may be most of the file.
std::string Shortened(absl::string_view message) {
  constexpr std::size_t kMaxMessageBytes = 300;
  if (message.size() <= kMaxMessageBytes) return std::string(message);
  return absl::StrCat(ReplaceInvalidUtf8(std::string_view(message.data(), kMaxMessageBytes)), "...");
}

absl::Status WrongType(const Json* value, std::string_view path, std::string_view wanted) {
  if (value == nullptr) return Malformed(path, absl::StrCat("is missing, ", View(wanted), " is wanted"));
  return Malformed(path, absl::StrCat("is ", value->type_name(), ", ", View(wanted), " is wanted"));
}

}  // namespace

absl::StatusOr<Json> ParseObject(std::string_view text) {
  if (auto status = CheckExtent(text); !status.ok()) return status;
  RepeatedKeys repeated;
  try {
    Json object = Json::parse(text.begin(), text.end(), [&](int, Json::parse_event_t event, Json& parsed) {
      return repeated.See(event, parsed);
    });
    if (repeated.key().has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("an object names the key ", Quoted(*repeated.key()), " twice"));
    }
    if (!object.is_object()) {
      return absl::InvalidArgumentError(absl::StrCat("holds ", object.type_name(), ", a JSON object is wanted"));
    }
    return object;
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("is not JSON: ", Shortened(error.what())));
  }
}

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  // Clients see errors: no more of this machine's paths than the model's folder.
  const std::filesystem::path whole(path);
  const std::string name = (whole.parent_path().filename() / whole.filename()).string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::none) {
    return absl::UnavailableError(absl::StrCat("cannot read ", name, ": ", error.message()));
  }
  if (!std::filesystem::is_regular_file(status)) return absl::NotFoundError(absl::StrCat("there is no file ", name));
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot read ", name, ": ", error.message()));
  if (size > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has ", size, " bytes, at most ", kMaxFileBytes, " are read"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(size))) {
    return absl::UnavailableError(absl::StrCat("cannot read the ", size, " bytes of ", name));
  }
  return text;
}

const Json* FindField(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

absl::StatusOr<const Json*> RequireObject(const Json& object, const char* key, std::string_view where) {
  const Json* value = FindField(object, key);
  if (value == nullptr || !value->is_object()) return WrongType(value, Path(where, key), "an object");
  return value;
}

absl::StatusOr<const Json*> RequireArray(const Json& object, const char* key, std::string_view where) {
  const Json* value = FindField(object, key);
  if (value == nullptr || !value->is_array()) return WrongType(value, Path(where, key), "an array");
  return value;
}

absl::StatusOr<std::string> RequireString(const Json& object, const char* key, std::string_view where) {
  const Json* value = FindField(object, key);
  if (value == nullptr || !value->is_string()) return WrongType(value, Path(where, key), "a string");
  return value->get_ref<const std::string&>();
}

absl::StatusOr<bool> RequireBool(const Json& object, const char* key, std::string_view where) {
  const Json* value = FindField(object, key);
  if (value == nullptr || !value->is_boolean()) return WrongType(value, Path(where, key), "true or false");
  return value->get<bool>();
}

absl::StatusOr<bool> OptionalBool(const Json& object, const char* key, bool absent, std::string_view where) {
  const Json* value = FindField(object, key);
  if (value == nullptr) return absent;
  if (!value->is_boolean()) return WrongType(value, Path(where, key), "true or false");
  return value->get<bool>();
}

absl::StatusOr<std::string> OptionalString(const Json& object, const char* key, std::string_view where) {
  if (FindField(object, key) == nullptr) return std::string();
  return RequireString(object, key, where);
}

absl::StatusOr<std::int32_t> ReadTokenId(const Json& value, std::string_view where) {
  constexpr std::int64_t kMaxId = std::numeric_limits<std::int32_t>::max() - 1;
  if (!value.is_number_integer()) return WrongType(&value, where, "a token id");
  const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= std::uint64_t{kMaxId}
                                               : value.get<std::int64_t>() >= 0 && value.get<std::int64_t>() <= kMaxId;
  if (!fits) return Malformed(where, absl::StrCat("is ", value.dump(), ", an id from 0 to ", kMaxId, " is wanted"));
  return value.get<std::int32_t>();
}

std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kMaxQuotedBytes;
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(View(text.substr(0, kMaxQuotedBytes))), cut ? "...\"" : "\"");
}

absl::Status Malformed(std::string_view where, std::string_view fault) {
  return absl::InvalidArgumentError(absl::StrCat(View(where), " ", View(fault)));
}

absl::Status Unsupported(std::string_view kind, std::string_view name) {
  return absl::FailedPreconditionError(
      absl::StrCat(View(kind), " ", View(name), " is not supported yet; send token_ids instead"));
}

}  // namespace headscope::worker::tokenization
