#include "proto/support/wire/block_digest.h"

#include <map>

namespace headscope {
namespace {

enum BlockKind : std::uint32_t { kScores = 1, kPrepared = 2, kTokenized = 3, kTokens = 4 };

template <typename Integers>
void AddIntegers(Sha256& hash, const Integers& values) {
  hash.UpdateU32(static_cast<std::uint32_t>(values.size()));
  for (const std::uint32_t value : values) hash.UpdateU32(value);
}

template <typename Strings>
void AddStrings(Sha256& hash, const Strings& values) {
  hash.UpdateU32(static_cast<std::uint32_t>(values.size()));
  for (const std::string& value : values) hash.UpdateString(value);
}

}  // namespace

void BlockDigest::Add(const worker::v1::ScoreBlock& block) {
  hash_.UpdateU32(kScores);
  AddIntegers(hash_, block.samples());
  AddIntegers(hash_, block.tokens());
  AddIntegers(hash_, block.response_tokens());
  hash_.UpdateU32(static_cast<std::uint32_t>(block.objective_size()));
  for (const double objective : block.objective()) hash_.UpdateF64(objective);
  std::map<std::string, const v1::Tensor*> planes;
  for (const auto& [name, tensor] : block.planes()) planes.emplace(name, &tensor);
  hash_.UpdateU32(static_cast<std::uint32_t>(planes.size()));
  for (const auto& [name, tensor] : planes) {
    hash_.UpdateString(name);
    AddIntegers(hash_, tensor->shape());
    hash_.UpdateString(tensor->data());
  }
}

void BlockDigest::Add(const worker::v1::TokenBlock& block) {
  hash_.UpdateU32(kTokens);
  AddIntegers(hash_, block.ids());
  hash_.UpdateString(block.response_mask());
  AddStrings(hash_, block.strings());
}

void BlockDigest::Add(const worker::v1::PrepareBlock& block) {
  hash_.UpdateU32(kPrepared);
  AddIntegers(hash_, block.samples());
  AddIntegers(hash_, block.tokens());
  AddIntegers(hash_, block.prompt_tokens());
  hash_.UpdateU32(static_cast<std::uint32_t>(block.invalid_size()));
  for (const v1::InvalidSample& sample : block.invalid()) {
    hash_.UpdateU32(sample.index());
    hash_.UpdateString(sample.id());
    hash_.UpdateString(sample.reason());
    hash_.UpdateString(sample.message());
  }
}

void BlockDigest::Add(const worker::v1::TokenizeBlock& block) {
  hash_.UpdateU32(kTokenized);
  AddIntegers(hash_, block.ids());
  AddStrings(hash_, block.tokens());
  hash_.UpdateString(block.text());
  hash_.UpdateU32(block.has_prompt_tokens() ? 1 : 0);
  hash_.UpdateU32(block.prompt_tokens());
}

}  // namespace headscope
