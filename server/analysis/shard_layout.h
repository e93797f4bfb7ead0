// Where things stand in a stored shard's bytes (server/jobs/scores.h), so that one plane is read without the others.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/blob_store.h"

namespace headscope::server {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
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
};

// Reads the counts and the planes' names. DATA_LOSS when the bytes are not a shard's or end early.
absl::StatusOr<ShardLayout> ReadShardLayout(BlobReader& bytes);

}  // namespace headscope::server
