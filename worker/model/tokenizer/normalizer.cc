#include "worker/model/tokenizer/normalizer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/edit_normalizer.h"
#include "worker/model/tokenizer/unicode_normalizer.h"

namespace headscope::worker::tokenization {
namespace {

using LoadStep = absl::StatusOr<std::unique_ptr<const Normalizer>> (*)(const Component& component);

struct KnownStep {
  const char* type;
  LoadStep load;
};

constexpr KnownStep kSteps[] = {{"Lowercase", LoadLowercaseNormalizer},
                                {"NFC", LoadUnicodeNormalizer},
                                {"NFD", LoadUnicodeNormalizer},
                                {"NFKC", LoadUnicodeNormalizer},
                                {"NFKD", LoadUnicodeNormalizer},
                                {"Prepend", LoadPrependNormalizer},
                                {"Replace", LoadReplaceNormalizer},
                                {"Strip", LoadStripNormalizer},
                                {"StripAccents", LoadStripAccentsNormalizer}};

// Unicode's own forms make at most 18 characters of one; a chain of Replace could double the text without end.
constexpr std::size_t kMaxGrowth = 64;
constexpr std::size_t kSmallText = 4096;

}  // namespace

absl::StatusOr<Normalizers> LoadNormalizers(const Json& tokenizer) {
  const auto components = ListComponents(tokenizer, "normalizer", "normalizers");
  if (!components.ok()) return components.status();
  Normalizers steps;
  for (const Component& component : *components) {
    const auto known = std::find_if(std::begin(kSteps), std::end(kSteps),
                                    [&](const KnownStep& step) { return component.type == step.type; });
    if (known == std::end(kSteps)) return UnsupportedComponent(component);
    auto step = known->load(component);
    if (!step.ok()) return step.status();
    steps.push_back(*std::move(step));
  }
  return steps;
}

absl::StatusOr<std::string> Normalize(const Normalizers& steps, std::string_view text) {
  const std::size_t max_bytes = kSmallText + kMaxGrowth * text.size();
  std::string normalized(text);
  for (const auto& step : steps) {
    auto next = step->Normalize(std::move(normalized), max_bytes);
    if (!next.ok()) return next.status();
    normalized = *std::move(next);
    if (normalized.size() > max_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("the normalizer makes more than ", max_bytes, " bytes of ", text.size()));
    }
  }
  return normalized;
}

}  // namespace headscope::worker::tokenization
