// Checked reading of JSON that comes with a model: every fault is a Status that names the place, nothing throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::worker::tokenization {

using Json = nlohmann::json;

// Values of one file, those within others included: each takes some hundred bytes of memory, and the largest tokenizers
// of today have two million.
inline constexpr std::size_t kMaxJsonValues = 1 << 23;

// The object in `text`. INVALID_ARGUMENT where it is not JSON, not an object, names a key twice within an object, is
// nested deeper than 64 levels or has more than kMaxJsonValues.
absl::StatusOr<Json> ParseObject(std::string_view text);

// Content of a regular file of at most 128 MiB. NOT_FOUND where there is none, INVALID_ARGUMENT where it is too large,
// UNAVAILABLE where it cannot be read at the moment. Errors name its folder and name.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

// The member of `object`, or nullptr when it is absent or null (or `object` is no object).
const Json* FindField(const Json& object, const char* key);

// The member, INVALID_ARGUMENT where it is absent. `where` is the path of `object` for the message ("model").
absl::StatusOr<const Json*> RequireObject(const Json& object, const char* key, std::string_view where);
absl::StatusOr<const Json*> RequireArray(const Json& object, const char* key, std::string_view where);
absl::StatusOr<std::string> RequireString(const Json& object, const char* key, std::string_view where);
absl::StatusOr<bool> RequireBool(const Json& object, const char* key, std::string_view where);

// The member or `absent`; INVALID_ARGUMENT for another type.
absl::StatusOr<bool> OptionalBool(const Json& object, const char* key, bool absent, std::string_view where);
absl::StatusOr<std::string> OptionalString(const Json& object, const char* key, std::string_view where);

// A token id: an integer in [0, 2^31 - 2].
absl::StatusOr<std::int32_t> ReadTokenId(const Json& value, std::string_view where);

// `text` for a message: in quotes, escaped, cut after 60 bytes.
std::string Quoted(std::string_view text);

// INVALID_ARGUMENT "<where>: <fault>".
absl::Status Malformed(std::string_view where, std::string_view fault);

// FAILED_PRECONDITION that refuses a component by its name and says what to do instead.
absl::Status Unsupported(std::string_view kind, std::string_view name);

}  // namespace headscope::worker::tokenization
