// Lists of samples as compact bytes: a row per list, not per sample. Integers are little-endian u32.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job.h"

namespace headscope::server::sqlite {

// Positions in a dataset: 'R', first, count where they are neighbours; otherwise 'L' and each of them.
std::string EncodePositions(const std::vector<std::uint32_t>& positions);
// DATA_LOSS when the bytes are not that.
absl::StatusOr<std::vector<std::uint32_t>> DecodePositions(std::string_view bytes);

// A version byte, then index, tokens and prompt_tokens of each sample.
std::string EncodePrepared(const std::vector<PreparedSample>& samples);
// Appends to `samples`. Takes also what 0.1.0 stored, the same without the version: whole samples, so the length tells
// them apart. DATA_LOSS when the bytes are neither.
absl::Status DecodePrepared(std::string_view bytes, std::vector<PreparedSample>& samples);

}  // namespace headscope::server::sqlite
