#include "worker/model/tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <iterator>

#include "worker/model/tokenizer/byte_level_pre_tokenizer.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/metaspace_pre_tokenizer.h"
#include "worker/model/tokenizer/split_pre_tokenizer.h"

namespace headscope::worker::tokenization {
namespace {

using LoadStep = absl::StatusOr<std::unique_ptr<const PreTokenizer>> (*)(const Component& component);

struct KnownStep {
  const char* type;
  LoadStep load;
};

constexpr KnownStep kSteps[] = {{"ByteLevel", LoadByteLevelPreTokenizer},
                                {"Digits", LoadDigitsPreTokenizer},
                                {"Metaspace", LoadMetaspacePreTokenizer},
                                {"Punctuation", LoadPunctuationPreTokenizer},
                                {"Split", LoadSplitPreTokenizer},
                                {"Whitespace", LoadWhitespacePreTokenizer},
                                {"WhitespaceSplit", LoadWhitespaceSplitPreTokenizer}};

}  // namespace

absl::StatusOr<PreTokenizers> LoadPreTokenizers(const Json& tokenizer) {
  const auto components = ListComponents(tokenizer, "pre_tokenizer", "pretokenizers");
  if (!components.ok()) return components.status();
  PreTokenizers steps;
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

absl::StatusOr<std::vector<Piece>> PreTokenize(const PreTokenizers& steps, Piece piece) {
  std::vector<Piece> pieces;
  pieces.push_back(std::move(piece));
  for (const auto& step : steps) {
    std::vector<Piece> next;
    next.reserve(pieces.size());
    for (const Piece& one : pieces) {
      if (auto status = step->Split(one, next); !status.ok()) return status;
    }
    pieces = std::move(next);
  }
  return pieces;
}

}  // namespace headscope::worker::tokenization
