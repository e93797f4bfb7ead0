// The canonical bytes of a dataset: what its digest is taken over and what is stored.
//
// A dataset is the magic "HSDS", the version of the encoding and its samples' records end to end. All integers are
// little-endian u32. A record of version 2, the one that is written:
//   length of the rest of the record, length of id, id, input, number of parts, parts
//   input: kind (1 pair, 2 tokens, 3 text), then
//     pair: length, prompt, length, response; tokens: prompt_tokens, number of ids, ids; text: length, text
//   part: tag, length of its bytes, its bytes; ascending by tag, each tag at most once
// Parts are what only some samples have, so that a new part leaves the bytes, and with them the digests, of all samples
// without it as they are. There are none yet; a record with a part is refused, naming its tag, since leaving out what
// changes the scores would be worse. Tags that are taken:
//   1 contrast: an input as above    2 supervised: number of spans, begin and end of each
//   3 answers and 4 foils: number of entries, of each 0, length, string or 1, token id
//
// Version 1 had no magic, version or parts: the dataset was its records, a record ended with its input. What was stored
// so is read for ever. It cannot begin like a later version: its first four bytes are the length of a record, which had
// to fit into a message of 4 MiB (kMaxMessageBytes), and "HSDS" would be one of 1.4 GB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/support/sample.h"

namespace headscope {

// How a stored dataset is written; the value is the version's number.
enum class SampleEncoding : std::uint32_t { kV1 = 1, kV2 = 2 };

// What new datasets are written in.
inline constexpr SampleEncoding kSampleEncoding = SampleEncoding::kV2;

// Bytes of magic and version, before the first record.
inline constexpr std::size_t kDatasetHeaderBytes = 8;

// What a dataset in kSampleEncoding begins with: kDatasetHeaderBytes.
std::string DatasetHeader();

// The encoding of a dataset by its first bytes, at least kDatasetHeaderBytes of them where it has as many: without the
// magic it is V1. DATA_LOSS when the header is cut short, FAILED_PRECONDITION when its version is not known.
absl::StatusOr<SampleEncoding> EncodingOf(std::string_view front);

// Where the first record begins.
inline constexpr std::size_t FirstRecord(SampleEncoding encoding) {
  return encoding == SampleEncoding::kV1 ? 0 : kDatasetHeaderBytes;
}

// Appends the record of `sample` in kSampleEncoding to `bytes`.
void AppendSampleRecord(const Sample& sample, std::string& bytes);

// Takes one record off the front of `bytes`. DATA_LOSS when it is cut or malformed, FAILED_PRECONDITION when it has a
// part that this version does not know.
absl::StatusOr<Sample> TakeSampleRecord(SampleEncoding encoding, std::string_view& bytes);

// What is wrong with a sample as such, whatever the model: no id, an id over 256 bytes or not UTF-8, an empty response
// or text, text that is not UTF-8, fewer than two ids, prompt_tokens not below the number of ids. INVALID_ARGUMENT; the
// message is one phrase that starts with the field's name.
absl::Status CheckSample(const Sample& sample);

}  // namespace headscope
