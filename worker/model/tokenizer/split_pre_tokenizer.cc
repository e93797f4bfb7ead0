#include "worker/model/tokenizer/split_pre_tokenizer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/characters.h"
#include "worker/model/tokenizer/split_behavior.h"
#include "worker/model/tokenizer/text_pattern.h"

namespace headscope::worker::tokenization {
namespace {

using Step = std::unique_ptr<const PreTokenizer>;

class SplitPreTokenizer : public PreTokenizer {
 public:
  SplitPreTokenizer(Regex pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  absl::Status Split(const Piece& piece, std::vector<Piece>& pieces) const override {
    auto stretches = pattern_.Cut(piece.text);
    if (!stretches.ok()) return stretches.status();
    if (invert_) {
      for (Stretch& stretch : *stretches) stretch.matched = !stretch.matched;
    }
    for (const Stretch& part : ApplyBehavior(*stretches, behavior_)) {
      pieces.push_back({.text = piece.text.substr(part.begin, part.end - part.begin),
                        .starts_text = piece.starts_text && part.begin == 0});
    }
    return absl::OkStatus();
  }

 private:
  const Regex pattern_;
  const SplitBehavior behavior_;
  const bool invert_;
};

absl::StatusOr<Step> MakeFixed(std::string_view pattern, SplitBehavior behavior, bool invert = false) {
  auto compiled = Regex::Compile(pattern);
  if (!compiled.ok()) return absl::InternalError(compiled.status().message());
  return std::make_unique<const SplitPreTokenizer>(*std::move(compiled), behavior, invert);
}

}  // namespace

absl::StatusOr<Step> LoadSplitPreTokenizer(const Component& component) {
  const auto behavior = ReadSplitBehavior(*component.json, component.path);
  if (!behavior.ok()) return behavior.status();
  const auto invert = OptionalBool(*component.json, "invert", false, component.path);
  if (!invert.ok()) return invert.status();
  auto pattern = LoadPattern(*component.json, component.path);
  if (!pattern.ok()) return pattern.status();
  return std::make_unique<const SplitPreTokenizer>(*std::move(pattern), *behavior, *invert);
}

absl::StatusOr<Step> LoadDigitsPreTokenizer(const Component& component) {
  const auto individual = OptionalBool(*component.json, "individual_digits", false, component.path);
  if (!individual.ok()) return individual.status();
  return MakeFixed(R"(\p{N})", *individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
}

absl::StatusOr<Step> LoadPunctuationPreTokenizer(const Component& component) {
  absl::StatusOr<SplitBehavior> behavior = SplitBehavior::kIsolated;
  if (FindField(*component.json, "behavior") != nullptr) behavior = ReadSplitBehavior(*component.json, component.path);
  if (!behavior.ok()) return behavior.status();
  // The nine are the ASCII characters that count as punctuation although Unicode calls them symbols.
  return MakeFixed(R"([\p{P}$+<=>\^`|~])", *behavior);
}

absl::StatusOr<Step> LoadWhitespacePreTokenizer(const Component& /*component*/) {
  return MakeFixed(absl::StrCat("[", kWordClass, "]+|[^", kWordClass, R"(\s]+)"), SplitBehavior::kRemoved,
                   /*invert=*/true);
}

absl::StatusOr<Step> LoadWhitespaceSplitPreTokenizer(const Component& /*component*/) {
  return MakeFixed(R"(\s)", SplitBehavior::kRemoved);
}

}  // namespace headscope::worker::tokenization
