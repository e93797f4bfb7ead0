#include "server/analysis/job_samples.h"

#include <utility>

#include "server/analysis/shard_layout.h"

namespace headscope::server {
namespace {

// The u32 array at `range`, little-endian.
absl::StatusOr<std::vector<std::uint32_t>> ReadNumbers(BlobReader& bytes, const ByteRange& range) {
  const absl::StatusOr<std::string> text = bytes.Read(range.offset, range.length);
  if (!text.ok()) return text.status();
  std::vector<std::uint32_t> numbers(range.length / sizeof(std::uint32_t));
  for (std::size_t i = 0; i < text->size(); ++i) {
    numbers[i / 4] |= std::uint32_t{static_cast<unsigned char>((*text)[i])} << (8 * (i % 4));
  }
  return numbers;
}

}  // namespace

absl::StatusOr<ScoreBlock> ReadScores(BlobStore& blobs, const ResultShard& shard) {
  const absl::StatusOr<std::string> bytes = GetBlob(blobs, shard.blob);
  if (!bytes.ok()) return bytes.status();
  return DecodeScores(*bytes);
}

absl::StatusOr<JobSamples> JobSamples::Open(BlobStore& blobs, std::vector<ResultShard> shards,
                                            const ReductionOptions& reduction, std::uint32_t kv_heads) {
  JobSamples samples(blobs, std::move(shards), reduction);
  for (const ResultShard& shard : samples.shards_) samples.count_ += shard.samples.size();
  if (samples.count_ == 0) return absl::FailedPreconditionError("no sample was scored");
  const absl::StatusOr<ScoreBlock> first = ReadScores(blobs, samples.shards_.front());
  if (!first.ok()) return first.status();
  absl::StatusOr<SampleReducer> reducer = SampleReducer::Make(reduction, {first->layers, first->heads, kv_heads});
  if (!reducer.ok()) return reducer.status();
  samples.reducer_ = *std::move(reducer);
  samples.scores_.resize(samples.reducer_->entries());
  if (absl::Status status = samples.CountBatches(); !status.ok()) return status;
  return samples;
}

absl::Status JobSamples::CountBatches() {
  if (reduction_.loss_scale != LossScale::kBatchTokenMean) return absl::OkStatus();
  std::uint64_t sample = 0;
  for (const ResultShard& shard : shards_) {
    const absl::StatusOr<std::unique_ptr<BlobReader>> bytes = blobs_->Open(shard.blob);
    if (!bytes.ok()) return bytes.status();
    const absl::StatusOr<ShardLayout> layout = ReadShardLayout(**bytes);
    if (!layout.ok()) return layout.status();
    const auto tokens = ReadNumbers(**bytes, layout->response_tokens);
    if (!tokens.ok()) return tokens.status();
    for (const std::uint32_t count : *tokens) {
      if (sample++ % reduction_.script_batch == 0) batch_tokens_.push_back(0);
      batch_tokens_.back() += count;
    }
  }
  return absl::OkStatus();
}

absl::Status JobSamples::ReadShard() {
  absl::StatusOr<ScoreBlock> block = ReadScores(*blobs_, shards_[next_shard_++]);
  if (!block.ok()) return block.status();
  if (absl::Status status = reducer_->Check(*block); !status.ok()) return status;
  block_ = *std::move(block);
  planes_ = reducer_->PlanesOf(block_);
  return absl::OkStatus();
}

double JobSamples::LossScaleOf(std::uint32_t response_tokens) const {
  if (reduction_.loss_scale == LossScale::kPerSampleMean) return 1;
  const auto tokens = static_cast<double>(response_tokens);
  if (reduction_.loss_scale == LossScale::kSum) return tokens;
  const std::uint64_t batch = batch_tokens_[taken_ / reduction_.script_batch];
  return batch == 0 ? tokens : tokens / static_cast<double>(batch);
}

absl::StatusOr<bool> JobSamples::Next() {
  if (next_shard_ > 0) ++row_;
  while (row_ >= block_.samples.size()) {
    if (next_shard_ == shards_.size()) return false;
    if (absl::Status status = ReadShard(); !status.ok()) return status;
    row_ = 0;
  }
  reducer_->Reduce(planes_, row_, scores_);
  const double scale = LossScaleOf(block_.response_tokens[row_]);
  for (double& score : scores_) score *= scale;
  ++taken_;
  return true;
}

}  // namespace headscope::server
