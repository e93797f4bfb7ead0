#include "worker/model/config_reader.h"

#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

// What was found, short enough for an error text.
std::string Shown(const nlohmann::json* value) {
  if (value == nullptr) return "nothing";
  return Shortened(value->dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace), 60);
}

// Enough to see what is wrong with a file, however much of it is.
constexpr std::size_t kMaxNotes = 16;
constexpr std::size_t kMaxNoteBytes = 600;

void AddNote(std::string_view text, std::vector<std::string>* notes) {
  if (notes->size() < kMaxNotes) notes->push_back(Shortened(text, kMaxNoteBytes));
}

}  // namespace

ConfigReader::ConfigReader(const nlohmann::json& config, std::string where)
    : config_(config), where_(std::move(where)) {}

const nlohmann::json* ConfigReader::Find(std::string_view key) const {
  const auto found = config_.find(std::string(key));
  return found == config_.end() ? nullptr : &*found;
}

bool ConfigReader::Has(std::string_view key) const { return Find(key) != nullptr; }

bool ConfigReader::HasValue(std::string_view key) const {
  const nlohmann::json* value = Find(key);
  return value != nullptr && !value->is_null();
}

void ConfigReader::WrongValue(std::string_view key, const std::string& wanted) {
  Invalid(absl::StrCat(std::string(key), " must be ", wanted, ", found ", Shown(Find(key))));
}

std::int64_t ConfigReader::CheckedSize(std::string_view key, std::int64_t largest, std::int64_t smallest) {
  const nlohmann::json* value = Find(key);
  // An integer that only 64 unsigned bits hold becomes negative here, and is refused with the others.
  if (value != nullptr && value->is_number_integer()) {
    const auto number = value->get<std::int64_t>();
    if (number >= smallest && number <= largest) return number;
  }
  WrongValue(key, absl::StrCat("an integer from ", smallest, " to ", largest));
  return 1;
}

double ConfigReader::CheckedPositive(std::string_view key) {
  const nlohmann::json* value = Find(key);
  if (value != nullptr && value->is_number()) {
    const double number = value->get<double>();
    if (number > 0 && number <= std::numeric_limits<float>::max()) return number;
  }
  WrongValue(key, "a finite number above 0");
  return 1;
}

std::int64_t ConfigReader::Size(std::string_view key, std::int64_t largest) { return CheckedSize(key, largest); }

std::int64_t ConfigReader::Size(std::string_view key, std::int64_t largest, std::int64_t fallback) {
  return Has(key) ? CheckedSize(key, largest) : fallback;
}

std::int64_t ConfigReader::Count(std::string_view key, std::int64_t largest, std::int64_t fallback) {
  return Has(key) ? CheckedSize(key, largest, 0) : fallback;
}

std::optional<std::int64_t> ConfigReader::OptionalSize(std::string_view key, std::int64_t largest,
                                                       std::optional<std::int64_t> fallback) {
  if (!Has(key)) return fallback;
  if (!HasValue(key)) return std::nullopt;
  return CheckedSize(key, largest);
}

double ConfigReader::Positive(std::string_view key) { return CheckedPositive(key); }

double ConfigReader::Positive(std::string_view key, double fallback) {
  return Has(key) ? CheckedPositive(key) : fallback;
}

std::optional<double> ConfigReader::OptionalPositive(std::string_view key, std::optional<double> fallback) {
  if (!Has(key)) return fallback;
  if (!HasValue(key)) return std::nullopt;
  return CheckedPositive(key);
}

bool ConfigReader::Boolean(std::string_view key, bool fallback) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  WrongValue(key, "true or false");
  return fallback;
}

std::string ConfigReader::Text(std::string_view key, std::string_view fallback) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr || value->is_null()) return std::string(fallback);
  if (value->is_string()) return value->get<std::string>();
  WrongValue(key, "a string");
  return std::string(fallback);
}

void ConfigReader::Invalid(const std::string& text) { AddNote(text, &invalid_); }
void ConfigReader::Unsupported(const std::string& text) { AddNote(text, &unsupported_); }

void ConfigReader::Include(const ConfigReader& part) {
  const auto add = [&](const std::vector<std::string>& from, std::vector<std::string>* to) {
    if (!from.empty()) to->push_back(absl::StrCat(part.where_, ": ", absl::StrJoin(from, "; ")));
  };
  add(part.invalid_, &invalid_);
  add(part.unsupported_, &unsupported_);
}

absl::Status ConfigReader::status() const {
  if (!unsupported_.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(where_, ": ", absl::StrJoin(unsupported_, "; ")));
  }
  if (!invalid_.empty()) return absl::InvalidArgumentError(absl::StrCat(where_, ": ", absl::StrJoin(invalid_, "; ")));
  return absl::OkStatus();
}

}  // namespace headscope::worker
