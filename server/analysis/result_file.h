// A job's raw scores as one safetensors file, written as it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/ids_json.h"
#include "server/analysis/shard_layout.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// The file described at headscope.v1.AttributionService.ReadResult. The same job gives the same bytes, always: tensors
// in the order objective, token_offsets, token_string_offsets, planes by name, index, tokens, response_tokens,
// token_ids, response_mask, token_strings, ids, where tokens are recorded, each written shard by shard straight from
// the stored bytes; offsets are summed up from stored lengths as they are written. Memory: one piece, and a few numbers
// per shard. Thread-compatible; reads block.
class ResultFile {
 public:
  // `blobs` outlives the file; `dataset` is the digest of the job's samples; `shards` in dataset order, at least one.
  // DATA_LOSS when stored bytes are damaged or do not agree.
  static absl::StatusOr<std::unique_ptr<ResultFile>> Open(BlobStore& blobs, const std::string& dataset,
                                                          std::vector<ResultShard> shards);

  // Bytes of the whole file.
  std::uint64_t size() const { return size_; }
  // The next bytes from front to back: `max_bytes` of them, fewer only at the end; empty after it.
  absl::StatusOr<std::string> Next(std::size_t max_bytes);

 private:
  // A run of the file that is made from one shard's bytes.
  struct Segment {
    std::size_t shard = 0;
    ByteRange range;
    // Of i64 offsets: the range holds u32 lengths, the file their sums so far.
    bool summed = false;
    // The first of its offsets, before which stands 0.
    bool opens_sums = false;
  };

  ResultFile(BlobStore& blobs, std::vector<ResultShard> shards) : blobs_(blobs), shards_(std::move(shards)) {}

  // Each reads or makes what the next one needs.
  absl::StatusOr<std::vector<ShardLayout>> ReadLayouts();
  absl::Status OpenIds(const std::string& dataset);
  void Plan(const std::vector<ShardLayout>& layouts);

  // Appends to pending_ what comes next, about `bytes` of it.
  absl::Status AppendSegment(std::size_t bytes);
  absl::Status AppendSums(Segment& segment, std::size_t bytes);
  // The next `bytes` of the segment's range, or what is left of it.
  absl::StatusOr<std::string> ReadSegment(Segment& segment, std::uint64_t bytes);

  BlobStore& blobs_;
  std::vector<ResultShard> shards_;
  std::unique_ptr<BlobReader> dataset_;
  std::uint64_t ids_bytes_ = 0;
  std::uint64_t size_ = 0;

  // What is still to come: bytes that are made and not handed out (the header at first), runs of shards, the ids.
  std::string pending_;
  std::vector<Segment> segments_;
  std::size_t next_segment_ = 0;
  // Of the offsets that are being written.
  std::int64_t sum_ = 0;
  // The shard that was read last.
  std::unique_ptr<BlobReader> shard_;
  std::size_t shard_number_ = 0;
  std::unique_ptr<IdsJson> ids_;
};

}  // namespace headscope::server
