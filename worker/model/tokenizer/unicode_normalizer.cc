#include "worker/model/tokenizer/unicode_normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

using Step = std::unique_ptr<const Normalizer>;
using CodePoints = std::vector<utf8proc_int32_t>;

int CombiningClass(utf8proc_int32_t code_point) { return utf8proc_get_property(code_point)->combining_class; }

CodePoints Decompose(std::string_view text, bool compatible) {
  const int mapping = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  CodePoints points;
  points.reserve(text.size());
  // No character decomposes into more than 18.
  std::array<utf8proc_int32_t, 32> parts{};
  for (std::size_t offset = 0; offset < text.size();) {
    const Utf8Character character = ReadUtf8(text, offset);
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character.code_point), parts.data(),
                                               parts.size(), static_cast<utf8proc_option_t>(mapping), &boundary);
    points.insert(points.end(), parts.begin(), parts.begin() + std::max<utf8proc_ssize_t>(count, 0));
    offset += character.size;
  }
  return points;
}

// Marks behind a character stand in the order of their class. The library's own ordering takes quadratic time for a
// long row of marks.
void OrderMarks(CodePoints& points) {
  const auto is_mark = [](utf8proc_int32_t point) { return CombiningClass(point) != 0; };
  const auto by_class = [](utf8proc_int32_t a, utf8proc_int32_t b) { return CombiningClass(a) < CombiningClass(b); };
  for (auto at = points.begin(); at != points.end();) {
    const auto begin = std::find_if(at, points.end(), is_mark);
    const auto end = std::find_if_not(begin, points.end(), is_mark);
    std::stable_sort(begin, end, by_class);
    at = end;
  }
}

void Compose(CodePoints& points) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const auto size = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()), options);
  points.resize(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(size, 0)));
}

std::string ToUtf8(const CodePoints& points) {
  std::string text;
  text.reserve(points.size());
  for (const utf8proc_int32_t point : points) AppendUtf8(static_cast<std::uint32_t>(point), text);
  return text;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

class UnicodeNormalizer : public Normalizer {
 public:
  explicit UnicodeNormalizer(NormalForm form) : form_(form) {}
  absl::StatusOr<std::string> Normalize(std::string text, std::size_t /*max_bytes*/) const override {
    return ToNormalForm(text, form_);
  }

 private:
  const NormalForm form_;
};

class LowercaseNormalizer : public Normalizer {
 public:
  absl::StatusOr<std::string> Normalize(std::string text, std::size_t /*max_bytes*/) const override {
    std::string lower;
    lower.reserve(text.size());
    for (std::size_t offset = 0; offset < text.size();) {
      const Utf8Character character = ReadUtf8(text, offset);
      offset += character.size;
      AppendUtf8(static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character.code_point))),
                 lower);
      // The only character whose lower case is two: the capital I with a dot keeps the dot as a mark.
      if (character.code_point == 0x130) AppendUtf8(0x307, lower);
    }
    return lower;
  }
};

class StripAccentsNormalizer : public Normalizer {
 public:
  absl::StatusOr<std::string> Normalize(std::string text, std::size_t /*max_bytes*/) const override {
    std::string bare;
    bare.reserve(text.size());
    for (std::size_t offset = 0; offset < text.size();) {
      const Utf8Character character = ReadUtf8(text, offset);
      const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(character.code_point));
      const bool is_mark =
          category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
      if (!is_mark) bare.append(text, offset, character.size);
      offset += character.size;
    }
    return bare;
  }
  bool KeepsStart() const override { return false; }
};

}  // namespace

std::string ToNormalForm(std::string_view text, NormalForm form) {
  if (IsAscii(text)) return std::string(text);
  CodePoints points = Decompose(text, form.compatible);
  OrderMarks(points);
  if (form.composed) Compose(points);
  return ToUtf8(points);
}

absl::StatusOr<Step> LoadUnicodeNormalizer(const Component& component) {
  const NormalForm form = {.composed = component.type.back() == 'C', .compatible = component.type.size() == 4};
  return std::make_unique<const UnicodeNormalizer>(form);
}

absl::StatusOr<Step> LoadLowercaseNormalizer(const Component& /*component*/) {
  return std::make_unique<const LowercaseNormalizer>();
}

absl::StatusOr<Step> LoadStripAccentsNormalizer(const Component& /*component*/) {
  return std::make_unique<const StripAccentsNormalizer>();
}

}  // namespace headscope::worker::tokenization
