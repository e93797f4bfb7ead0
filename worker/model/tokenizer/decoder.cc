#include "worker/model/tokenizer/decoder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_join.h"
#include "worker/model/tokenizer/byte_level_decoder.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/sentence_piece_decoders.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

using LoadStep = absl::StatusOr<std::unique_ptr<const TokenDecoder>> (*)(const Component& component);

struct KnownStep {
  const char* type;
  LoadStep load;
};

constexpr KnownStep kSteps[] = {
    {"ByteFallback", LoadByteFallbackDecoder}, {"ByteLevel", LoadByteLevelDecoder}, {"Fuse", LoadFuseDecoder},
    {"Metaspace", LoadMetaspaceDecoder},       {"Replace", LoadReplaceDecoder},     {"Strip", LoadStripDecoder}};

class SpacedDecoder : public TokenDecoder {
 public:
  absl::StatusOr<std::vector<std::string>> Decode(std::vector<std::string> parts) const override {
    return std::vector<std::string>{absl::StrJoin(parts, " ")};
  }
};

}  // namespace

absl::StatusOr<TokenDecoders> LoadDecoders(const Json& tokenizer) {
  TokenDecoders steps;
  if (FindField(tokenizer, "decoder") == nullptr) {
    steps.push_back(std::make_unique<const SpacedDecoder>());
    return steps;
  }
  const auto components = ListComponents(tokenizer, "decoder", "decoders");
  if (!components.ok()) return components.status();
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

absl::StatusOr<std::string> DecodeTokens(const TokenDecoders& steps, std::vector<std::string> tokens) {
  for (const auto& step : steps) {
    auto next = step->Decode(std::move(tokens));
    if (!next.ok()) return next.status();
    tokens = *std::move(next);
  }
  return ReplaceInvalidUtf8(absl::StrJoin(tokens, ""));
}

}  // namespace headscope::worker::tokenization
