// The demo model's vocabulary: token id = byte, and one end-of-sequence token after the 256.
#pragma once

#include <cstdint>
#include <string>

#include "worker/model/packed_batch.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {

inline constexpr std::int64_t kEndOfSequenceId = 256;
inline constexpr std::int64_t kByteVocabulary = 257;

// A tokenizer.json of that vocabulary: byte-level BPE without merges.
std::string ByteTokenizerJson();

// Appends prompt, response and the end of sequence, as text rows are tokenised.
void AddExample(const Example& example, PackedBatch& batch);

}  // namespace headscope::worker
