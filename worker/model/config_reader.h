// Reads values out of a config.json with the defaults of the reference implementation, collecting what is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "absl/status/status.h"

namespace headscope::worker {

// Each getter returns the value of a key, or `fallback` where the key is absent; a key without fallback is required.
// Absent and null differ: null is accepted only by the Optional getters. What is missing or makes no sense is noted,
// and a harmless value is returned; status() then names all of it. Thread-compatible. Keeps a reference to the object.
class ConfigReader {
 public:
  // `config` is a JSON object and outlives this; `where` names it in errors ("config.json").
  ConfigReader(const nlohmann::json& config, std::string where);

  bool Has(std::string_view key) const;       // present, null or not
  bool HasValue(std::string_view key) const;  // present and not null
  const nlohmann::json& raw() const { return config_; }
  const std::string& where() const { return where_; }

  // An integer from 1 to `largest`.
  std::int64_t Size(std::string_view key, std::int64_t largest);
  std::int64_t Size(std::string_view key, std::int64_t largest, std::int64_t fallback);
  // An integer from 0 to `largest`.
  std::int64_t Count(std::string_view key, std::int64_t largest, std::int64_t fallback);
  // null gives nullopt, absent gives `fallback`.
  std::optional<std::int64_t> OptionalSize(std::string_view key, std::int64_t largest,
                                           std::optional<std::int64_t> fallback);
  // A finite number above 0 that float32 can hold.
  double Positive(std::string_view key);
  double Positive(std::string_view key, double fallback);
  std::optional<double> OptionalPositive(std::string_view key, std::optional<double> fallback);
  bool Boolean(std::string_view key, bool fallback);
  // null gives `fallback` too.
  std::string Text(std::string_view key, std::string_view fallback);

  // Notes that something is wrong with the file (INVALID_ARGUMENT).
  void Invalid(const std::string& text);
  // Notes that something is meant but not supported (FAILED_PRECONDITION); goes before anything invalid.
  void Unsupported(const std::string& text);
  // Takes over what was noted of `part`, a reader of an object within this one's.
  void Include(const ConfigReader& part);
  // OK, or everything noted in one text: the first sixteen faults of each kind, long ones shortened.
  absl::Status status() const;

 private:
  const nlohmann::json* Find(std::string_view key) const;
  void WrongValue(std::string_view key, const std::string& wanted);
  std::int64_t CheckedSize(std::string_view key, std::int64_t largest, std::int64_t smallest = 1);
  double CheckedPositive(std::string_view key);

  const nlohmann::json& config_;
  const std::string where_;
  std::vector<std::string> invalid_;
  std::vector<std::string> unsupported_;
};

// Bounds that keep products of sizes within 64 bits and tables within reason; far above any model of today.
inline constexpr std::int64_t kMaxLayers = 4096;
inline constexpr std::int64_t kMaxHeads = 4096;
inline constexpr std::int64_t kMaxHeadDim = 1 << 16;
inline constexpr std::int64_t kMaxWidth = 1 << 24;
inline constexpr std::int64_t kMaxVocabulary = 1 << 26;
inline constexpr std::int64_t kMaxPositions = std::int64_t{1} << 31;

}  // namespace headscope::worker
