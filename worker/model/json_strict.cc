#include "worker/model/json_strict.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

// Builds the value through nlohmann's own builder and stops at what that one would let pass. An error is kept as text.
class StrictBuilder : public nlohmann::json_sax<json> {
 public:
  StrictBuilder(json& result, int max_depth) : builder_(result, /*allow_exceptions=*/false), max_depth_(max_depth) {}

  const std::string& error() const { return error_; }

  bool null() override { return Count() && builder_.null(); }
  bool boolean(bool value) override { return Count() && builder_.boolean(value); }
  bool number_integer(number_integer_t value) override { return Count() && builder_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return Count() && builder_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    return Count() && builder_.number_float(value, text);
  }
  bool string(string_t& value) override { return Count() && builder_.string(value); }
  bool binary(binary_t& value) override { return Count() && builder_.binary(value); }

  bool start_object(std::size_t size) override {
    keys_.emplace_back();
    return Enter() && builder_.start_object(size);
  }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) return Fail(absl::StrCat("key \"", Shortened(name, 80), "\" appears twice"));
    return builder_.key(name);
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return builder_.end_object();
  }
  bool start_array(std::size_t size) override { return Enter() && builder_.start_array(size); }
  bool end_array() override {
    --depth_;
    return builder_.end_array();
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    return Fail(absl::StrCat("at byte ", position, ": ", Shortened(error.what(), 300)));
  }

 private:
  bool Enter() {
    if (++depth_ > max_depth_) return Fail(absl::StrCat("nested deeper than ", max_depth_));
    return Count();
  }
  bool Count() {
    return ++values_ <= kMaxJsonValues || Fail(absl::StrCat("has more than ", kMaxJsonValues, " values"));
  }
  bool Fail(std::string text) {
    if (error_.empty()) error_ = std::move(text);
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<json> builder_;
  const int max_depth_;
  int depth_ = 0;
  std::size_t values_ = 0;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
  std::string error_;
};

}  // namespace

absl::StatusOr<json> ParseStrictJson(std::string_view text, std::string_view what, int max_depth) {
  const std::string source(what);
  // The library takes a NUL byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": not JSON: a NUL byte at byte ", text.find('\0')));
  }
  json result;
  StrictBuilder builder(result, max_depth);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": not acceptable JSON: ", builder.error()));
  }
  return result;
}

std::string Shortened(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace headscope::worker
