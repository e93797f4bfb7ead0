// Takes in the results of one lease, block by block, trusting nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "headscope/worker/v1/worker_service.pb.h"
#include "proto/support/wire/block_digest.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job.h"
#include "server/jobs/scores.h"
#include "server/store/job_store.h"

namespace headscope::server {

// What all kinds share: the limit on bytes and the digest. Thread-compatible; errors are INVALID_ARGUMENT.
class IntakeBase {
 public:
  // CHECKSUM_MISMATCH unless the blocks added are those that the worker sent.
  absl::Status CheckDigest(const std::string& sha256);

 protected:
  explicit IntakeBase(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  // Counts and hashes. INVALID_ARGUMENT / RESULT_TOO_LARGE.
  template <typename Block>
  absl::Status Count(const Block& block);

 private:
  absl::Status CountBytes(std::uint64_t bytes);

  const std::uint64_t max_bytes_;
  std::uint64_t bytes_ = 0;
  BlockDigest digest_;
};

// Scores: planes of the job's method, shapes of the model, finite, exactly the shard's samples and tokens; the tokens
// themselves where the job records them, and only there.
class ScoreIntake : public IntakeBase {
 public:
  ScoreIntake(const Lease& lease, const CatalogueEntry& entry);
  absl::Status Add(const worker::v1::ScoreBlock& block);
  absl::Status Add(const worker::v1::TokenBlock& block);
  absl::StatusOr<ScoreBlock> Finish();

 private:
  absl::Status CheckShapes(const worker::v1::ScoreBlock& block) const;

  const Shard shard_;
  const std::vector<std::string> planes_;
  const std::uint32_t layers_;
  const std::uint32_t heads_;
  // An id is below it; 0: not known.
  const std::uint32_t vocabulary_;
  std::vector<ScoreBlock> blocks_;
  // Of a job that records them: what came so far.
  std::optional<RecordedTokens> recorded_;
};

// Token counts and faults: every sample of the shard once, as the one or the other.
class PrepareIntake : public IntakeBase {
 public:
  struct Result {
    std::vector<PreparedSample> valid;
    std::vector<InvalidSample> invalid;
  };
  PrepareIntake(const Lease& lease, const CatalogueEntry& entry);
  absl::Status Add(const worker::v1::PrepareBlock& block);
  // Both lists ascending.
  absl::StatusOr<Result> Finish();

 private:
  absl::Status AddValid(const worker::v1::PrepareBlock& block);

  const std::vector<std::uint32_t> samples_;
  const std::uint32_t positions_;
  Result result_;
};

class TokenizeIntake : public IntakeBase {
 public:
  TokenizeIntake();
  absl::Status Add(const worker::v1::TokenizeBlock& block);
  absl::StatusOr<TokenizeAnswer> Finish();

 private:
  TokenizeAnswer answer_;
  bool has_prompt_tokens_ = false;
};

// A result that was accepted before and is sent again: only its digest is looked at.
class RepeatIntake : public IntakeBase {
 public:
  explicit RepeatIntake(std::string accepted);
  template <typename Block>
  absl::Status Add(const Block& block) {
    return Count(block);
  }
  const std::string& accepted() const { return accepted_; }

 private:
  const std::string accepted_;
};

template <typename Block>
absl::Status IntakeBase::Count(const Block& block) {
  if (absl::Status status = CountBytes(block.ByteSizeLong()); !status.ok()) return status;
  digest_.Add(block);
  return absl::OkStatus();
}

}  // namespace headscope::server
