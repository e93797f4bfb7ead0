#include "worker/tools/trainer/byte_vocabulary.h"

#include <vector>

#include <nlohmann/json.hpp>

namespace headscope::worker {
namespace {

// The printable character that stands for `byte` in byte-level vocabularies, as UTF-8: printable Latin-1 stands for
// itself, the rest is numbered from U+0100.
std::string ByteCharacter(int byte, int& next) {
  const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
  const int code_point = printable ? byte : next++;
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xC0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3F))};
}

}  // namespace

std::string ByteTokenizerJson() {
  nlohmann::ordered_json vocabulary;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) vocabulary[ByteCharacter(byte, next)] = byte;
  const nlohmann::ordered_json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  const nlohmann::ordered_json end_of_sequence = {
      {"id", kEndOfSequenceId}, {"content", "<|endoftext|>"}, {"single_word", false}, {"lstrip", false},
      {"rstrip", false},        {"normalized", false},        {"special", true}};
  const nlohmann::ordered_json tokenizer = {{"version", "1.0"},
                                            {"truncation", nullptr},
                                            {"padding", nullptr},
                                            {"added_tokens", nlohmann::ordered_json::array({end_of_sequence})},
                                            {"normalizer", nullptr},
                                            {"pre_tokenizer", byte_level},
                                            {"post_processor", nullptr},
                                            {"decoder", byte_level},
                                            {"model",
                                             {{"type", "BPE"},
                                              {"dropout", nullptr},
                                              {"unk_token", nullptr},
                                              {"continuing_subword_prefix", ""},
                                              {"end_of_word_suffix", ""},
                                              {"fuse_unk", false},
                                              {"byte_fallback", false},
                                              {"vocab", vocabulary},
                                              {"merges", nlohmann::ordered_json::array()}}}};
  return tokenizer.dump(1) + "\n";
}

void AddExample(const Example& example, PackedBatch& batch) {
  std::vector<std::int32_t> ids;
  for (const unsigned char byte : example.prompt + example.response) ids.push_back(byte);
  ids.push_back(kEndOfSequenceId);
  batch.Add(ids, static_cast<std::int64_t>(example.prompt.size()));
}

}  // namespace headscope::worker
