// What a job that records tokens stores of its samples.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/model/tokenizer/sample_encoder.h"
#include "worker/model/tokenizer/tokenizer.h"
#include "worker/runtime/shard.h"

namespace headscope::worker {

// `tokenizer` null: no strings. Strings longer than kMaxTokenStringBytes are cut between characters.
TokenRecord RecordTokens(const std::vector<EncodedSample>& samples, const Tokenizer* tokenizer);

// What the record's arrays and strings take, stored.
std::uint64_t RecordBytes(const TokenRecord& record);

}  // namespace headscope::worker
