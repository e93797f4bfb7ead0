// The canonical bytes of a dataset: what its digest is taken over and what is stored.
//
// A dataset is its samples' records end to end. A record, all integers little-endian u32:
//   length of the rest of the record, length of id, id, kind (1 pair, 2 tokens, 3 text), then
//   pair: length, prompt, length, response; tokens: prompt_tokens, number of ids, ids; text: length, text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/support/sample.h"

namespace headscope {

// Appends the record of `sample` to `bytes`.
void AppendSampleRecord(const Sample& sample, std::string& bytes);

// Takes one record off the front of `bytes`. DATA_LOSS when it is cut or malformed.
absl::StatusOr<Sample> TakeSampleRecord(std::string_view& bytes);

// What is wrong with a sample as such, whatever the model: no id, an id over 256 bytes or not UTF-8, an empty response
// or text, text that is not UTF-8, fewer than two ids, prompt_tokens not below the number of ids. INVALID_ARGUMENT; the
// message is one phrase that starts with the field's name.
absl::Status CheckSample(const Sample& sample);

}  // namespace headscope
