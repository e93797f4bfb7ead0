#include "worker/model/safetensors_header.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

// Bytes of one element; 0 for a dtype that is not supported.
std::int64_t ElementBytes(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

// Reads the header event by event, so that neither depth nor size of a hostile one takes memory beyond the limits.
// Levels: 1 the file's object, 2 a tensor's or the metadata's object, 3 the array of `shape` or `data_offsets`.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  SafetensorsHeader TakeHeader() { return std::move(header_); }
  const std::string& error() const { return error_; }

  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return Unexpected("a fraction"); }
  bool binary(binary_t&) override { return Unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (array_ == nullptr) return Unexpected("a number");
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return Fail(absl::StrCat("number ", value, " is too large"));
    if (static_cast<std::int64_t>(array_->size()) >= kMaxRank) {
      return Fail(absl::StrCat(Where(), " has more than ", kMaxRank, " numbers"));
    }
    array_->push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (level_ != 2 || array_ != nullptr) return Unexpected("a string");
    if (in_metadata_) {
      metadata_bytes_ += static_cast<std::int64_t>(name_.size() + key_.size() + value.size());
      return metadata_bytes_ <= kMaxMetadataBytes ||
             Fail(absl::StrCat("__metadata__ has more than ", kMaxMetadataBytes, " bytes"));
    }
    if (key_ != "dtype") return Unexpected("a string");
    if (value.size() > 16) return Fail(absl::StrCat(Where(), " is no dtype"));
    dtype_ = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (array_ != nullptr || level_ >= 2) return Unexpected("an object");
    ++level_;
    keys_.clear();
    return true;
  }

  bool key(string_t& value) override {
    if (level_ == 1) return StartEntry(std::move(value));
    if (!keys_.insert(value).second) return Fail(absl::StrCat("key \"", Short(value), "\" of ", Where(), " twice"));
    if (!in_metadata_ && value != "dtype" && value != "shape" && value != "data_offsets") {
      return Fail(absl::StrCat("unknown key \"", Short(value), "\" in tensor \"", Short(name_), "\""));
    }
    key_ = std::move(value);
    return true;
  }

  bool end_object() override {
    --level_;
    if (level_ == 0) return true;
    if (in_metadata_) return true;
    return EndTensor();
  }

  bool start_array(std::size_t) override {
    if (level_ != 2 || array_ != nullptr || in_metadata_) return Unexpected("an array");
    if (key_ == "shape") return (array_ = &shape_.emplace()) != nullptr;
    if (key_ == "data_offsets") return (array_ = &offsets_.emplace()) != nullptr;
    return Unexpected("an array");
  }

  bool end_array() override {
    array_ = nullptr;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    return Fail(absl::StrCat("at byte ", position, ": ", Shortened(error.what(), 300)));
  }

 private:
  static std::string Short(const std::string& text) { return Shortened(text, 80); }
  std::string Where() const { return absl::StrCat("\"", Short(name_), "\" ", Short(key_)); }
  bool Fail(std::string text) {
    if (error_.empty()) error_ = std::move(text);
    return false;
  }
  bool Unexpected(const std::string& what) { return Fail(absl::StrCat("unexpected ", what, " at ", Where())); }

  bool StartEntry(std::string name) {
    if (static_cast<std::int64_t>(name.size()) > kMaxNameBytes || name.empty()) {
      return Fail(absl::StrCat("a tensor name of ", name.size(), " bytes (1 to ", kMaxNameBytes, " are accepted)"));
    }
    name_ = std::move(name);
    key_.clear();
    in_metadata_ = name_ == "__metadata__";
    if (in_metadata_) return !std::exchange(had_metadata_, true) || Fail("__metadata__ appears twice");
    if (header_.contains(name_)) return Fail(absl::StrCat("tensor \"", Short(name_), "\" appears twice"));
    if (static_cast<std::int64_t>(header_.size()) >= kMaxTensors) {
      return Fail(absl::StrCat("more than ", kMaxTensors, " tensors"));
    }
    dtype_.reset();
    shape_.reset();
    offsets_.reset();
    return true;
  }

  bool EndTensor() {
    if (!dtype_.has_value() || !shape_.has_value() || !offsets_.has_value() || offsets_->size() != 2) {
      return Fail(absl::StrCat("tensor \"", Short(name_), "\" needs dtype, shape and two data_offsets"));
    }
    header_[name_] = {std::move(*dtype_), std::move(*shape_), (*offsets_)[0], (*offsets_)[1]};
    return true;
  }

  SafetensorsHeader header_;
  std::string error_;
  int level_ = 0;
  bool in_metadata_ = false, had_metadata_ = false;
  std::int64_t metadata_bytes_ = 0;
  std::string name_, key_;
  std::set<std::string> keys_;  // of the object that is open at level 2
  std::optional<std::string> dtype_;
  std::optional<std::vector<std::int64_t>> shape_, offsets_;
  std::vector<std::int64_t>* array_ = nullptr;  // the array that is open
};

// Checks dtype and that [begin, end) lies in the data and has exactly the bytes of the shape.
absl::Status CheckRange(const std::string& name, const StoredTensor& tensor, std::int64_t data_bytes) {
  std::int64_t bytes = ElementBytes(tensor.dtype);
  if (bytes == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("tensor \"", name, "\" has dtype ", tensor.dtype,
                     ", which is not supported; convert the weights to F32, F16 or BF16"));
  }
  for (const std::int64_t dimension : tensor.shape) {
    if (__builtin_mul_overflow(bytes, dimension, &bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("the shape of tensor \"", name, "\" overflows"));
    }
  }
  if (tensor.begin > tensor.end || tensor.end > data_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("tensor \"", name, "\" has data_offsets [", tensor.begin, ", ",
                                                   tensor.end, "], the file has ", data_bytes, " bytes of data"));
  }
  if (tensor.end - tensor.begin != bytes) {
    return absl::InvalidArgumentError(absl::StrCat("tensor \"", name, "\" needs ", bytes,
                                                   " bytes by dtype and shape, its data_offsets give ",
                                                   tensor.end - tensor.begin));
  }
  return absl::OkStatus();
}

// Checks that the ranges, in order, cover [0, data_bytes) exactly. An empty tensor stands at a border of others.
absl::Status CheckCoverage(const SafetensorsHeader& header, std::int64_t data_bytes) {
  std::vector<const SafetensorsHeader::value_type*> sorted;
  for (const auto& entry : header) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::int64_t covered = 0;
  for (const auto* entry : sorted) {
    if (entry->second.begin != covered) {
      return absl::InvalidArgumentError(absl::StrCat("tensor \"", entry->first, "\" begins at byte ",
                                                     entry->second.begin, " of the data, expected ", covered, ": ",
                                                     entry->second.begin < covered ? "an overlap" : "a hole"));
    }
    covered = entry->second.end;
  }
  if (covered == data_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tensors cover ", covered, " of ", data_bytes, " bytes of data: a hole at the end"));
}

absl::Status WithPath(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": safetensors: ", status.message()));
}

// The text without its padding of spaces, or what is wrong around the object.
absl::StatusOr<std::string_view> TrimHeader(std::string_view text) {
  const std::size_t last = text.find_last_not_of(' ');
  if (last == std::string_view::npos || text.front() != '{' || text[last] != '}') {
    return absl::InvalidArgumentError("the header is not one JSON object followed by nothing but spaces");
  }
  // The library takes a NUL byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) return absl::InvalidArgumentError("the header has a NUL byte");
  return text.substr(0, last + 1);
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view text, std::int64_t data_bytes,
                                                         const std::string& path) {
  const absl::StatusOr<std::string_view> trimmed = TrimHeader(text);
  if (!trimmed.ok()) return WithPath(path, trimmed.status());
  HeaderReader reader;
  if (!json::sax_parse(trimmed->begin(), trimmed->end(), &reader)) {
    return WithPath(path, absl::InvalidArgumentError(absl::StrCat("malformed header: ", reader.error())));
  }
  SafetensorsHeader header = reader.TakeHeader();
  for (const auto& [name, tensor] : header) {
    const absl::Status status = CheckRange(name, tensor, data_bytes);
    if (!status.ok()) return WithPath(path, status);
  }
  const absl::Status status = CheckCoverage(header, data_bytes);
  if (!status.ok()) return WithPath(path, status);
  return header;
}

}  // namespace headscope::worker
