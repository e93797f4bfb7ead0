// Where things stand in a stored shard's bytes (server/jobs/scores.h), so that one plane is read without the others.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/blob_store.h"

namespace headscope::server {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Of recorded tokens (server/jobs/recorded_tokens.h).
struct TokenLayout {
  // i32 [tokens]
  ByteRange ids;
  // u8 [tokens]
  ByteRange response_mask;
  // u32 [tokens]; empty, and so are the strings, where the model has no tokenizer.
  ByteRange string_lengths;
  ByteRange strings;
};

struct ShardLayout {
  std::uint32_t samples = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  // u32 [samples] each.
  ByteRange index;
  ByteRange tokens;
  ByteRange response_tokens;
  // f64 [samples].
  ByteRange objective;
  // f32 [samples, layers, heads] each.
  std::map<std::string, ByteRange> planes;
  std::optional<TokenLayout> recorded;
};

// Reads the counts and the planes' names. DATA_LOSS when the bytes are not a shard's or end early.
absl::StatusOr<ShardLayout> ReadShardLayout(BlobReader& bytes);

}  // namespace headscope::server
