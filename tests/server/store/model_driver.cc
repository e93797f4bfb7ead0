#include "tests/server/store/model_driver.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/sha256.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/server/store/model_comparison.h"

namespace headscope::server {
namespace {

constexpr std::array kSampleCounts = {1, 40, 700, 4096, 4500};

// The error's reason, or its code where it has none.
std::string ReasonOrCode(const absl::Status& status) {
  if (status.ok()) return "";
  if (status.code() == absl::StatusCode::kInvalidArgument) return "INVALID";
  const std::string reason = ReasonOf(status);
  return reason.empty() ? status.ToString() : reason;
}

}  // namespace

ModelDriver::ModelDriver(std::uint64_t seed, Reopen reopen)
    : reopen_(std::move(reopen)), random_(seed), store_random_(seed + 1'000'000), model_(clock_) {
  store_ = reopen_(false, nullptr, clock_, store_random_);
  for (std::size_t i = 0; i < kSampleCounts.size(); ++i) {
    DatasetRecord record;
    record.digest = absl::StrCat(i, ToHex(Sha256Of(absl::StrCat("dataset ", i))).substr(1));
    record.sample_count = static_cast<std::uint64_t>(kSampleCounts[i]);
    record.create_time = clock_.Now();
    Announced(*store_, record.digest);
    if (!store_->PutDataset(record).ok()) Fault("cannot put a dataset");
    datasets_.emplace_back(record.digest, record.sample_count);
  }
  Open();
}

void ModelDriver::Say(std::string what) {
  history_.push_back(std::move(what));
  if (history_.size() > 30) history_.erase(history_.begin());
}

void ModelDriver::Fault(const std::string& what) {
  if (fault_.empty()) fault_ = what;
}

void ModelDriver::Agree(const absl::Status& status, const std::string& wanted) {
  const std::string got = ReasonOrCode(status);
  Say(absl::StrCat("  -> ", got.empty() ? "OK" : got));
  if (got != wanted) Fault(absl::StrCat("the store answered '", status.ToString(), "', the model '", wanted, "'"));
}

std::set<std::string> ModelDriver::Leasable() {
  std::set<std::string> shards;
  const auto candidates = store_->Candidates();
  if (!candidates.ok()) return shards;
  for (const Candidate& candidate : *candidates) shards.insert(candidate.shard);
  return shards;
}

void ModelDriver::CheckEffect(const absl::StatusOr<Effect>& effect) {
  if (!effect.ok()) return;
  std::vector<std::string> changed = effect->changed_jobs;
  std::sort(changed.begin(), changed.end());
  if (std::adjacent_find(changed.begin(), changed.end()) != changed.end()) Fault("a job is named twice in an effect");
  for (const auto& [id, text] : DescribeJobs(*store_, model_)) {
    const bool named = std::binary_search(changed.begin(), changed.end(), id);
    if (!named && before_.contains(id) && before_[id] != text) Fault("an effect does not name job " + id);
  }
  for (const std::string& shard : Leasable()) {
    const bool is_new = !leasable_before_.contains(shard);
    // A later shard may come forward because an earlier one is gone; only new work must be told.
    const bool requeued = fences_.contains(shard) || shard.ends_with("0");
    if (is_new && requeued && !effect->work_available) Fault("an effect does not tell of shard " + shard);
  }
}

void ModelDriver::Remember() {
  before_ = DescribeJobs(*store_, model_);
  leasable_before_ = Leasable();
}

void ModelDriver::Step() {
  Remember();
  using Operation = void (ModelDriver::*)();
  // Written out as often as it is to happen.
  static constexpr std::array<Operation, 49> kOperations = {
      &ModelDriver::Submit,         &ModelDriver::Submit,         &ModelDriver::Submit,
      &ModelDriver::Open,           &ModelDriver::Open,           &ModelDriver::Claim,
      &ModelDriver::Claim,          &ModelDriver::Claim,          &ModelDriver::Claim,
      &ModelDriver::Claim,          &ModelDriver::Claim,          &ModelDriver::Claim,
      &ModelDriver::Claim,          &ModelDriver::Claim,          &ModelDriver::Heartbeat,
      &ModelDriver::Heartbeat,      &ModelDriver::Heartbeat,      &ModelDriver::CompleteRandom,
      &ModelDriver::CompleteRandom, &ModelDriver::CompleteRandom, &ModelDriver::CompleteRandom,
      &ModelDriver::CompleteRandom, &ModelDriver::CompleteRandom, &ModelDriver::CompleteRandom,
      &ModelDriver::CompleteRandom, &ModelDriver::CompleteRandom, &ModelDriver::CompleteRandom,
      &ModelDriver::Fail,           &ModelDriver::Fail,           &ModelDriver::Release,
      &ModelDriver::LoseWorker,     &ModelDriver::Close,          &ModelDriver::Cancel,
      &ModelDriver::Delete,         &ModelDriver::Reap,           &ModelDriver::Reap,
      &ModelDriver::MoveClock,      &ModelDriver::MoveClock,      &ModelDriver::MoveClock,
      &ModelDriver::ImportPattern,  &ModelDriver::DeletePattern,  &ModelDriver::Restart,
      &ModelDriver::SubmitSweep,    &ModelDriver::CancelSweep,    &ModelDriver::RetrySweep,
      &ModelDriver::DeleteSweep,    &ModelDriver::Retry,          &ModelDriver::Retry,
      &ModelDriver::Retry};
  (this->*kOperations[random_.Below(kOperations.size())])();
  if (const std::string difference = Difference(*store_, model_, imported_); !difference.empty()) Fault(difference);
  CheckSweeps();
}

void ModelDriver::Drain() {
  Say("drain");
  for (int round = 0; round < 6000 && fault_.empty(); ++round) {
    const bool open = std::any_of(model_.jobs().begin(), model_.jobs().end(),
                                  [](const auto& job) { return !HasEnded(job.second.visible.state); });
    if (!open) return CheckResults();
    Remember();
    if (!model_.CheckSession(sessions_.back()).empty()) {
      Open();
    } else if (leasable_before_.empty()) {
      // Wait for back-offs and for sessions that nobody keeps up.
      clock_.Advance(absl::Seconds(30));
      Remember();
      Reap();
    } else {
      ClaimShard(sessions_.back(), *leasable_before_.begin());
      Remember();
      const Known known = leases_.back();
      const std::string pinned = model_.jobs().at(known.lease.shard.job).visible.spec.model_digest;
      const char digest = pinned.empty() ? 'm' : pinned[0];
      known.lease.shard.phase == Phase::kPrepare ? CompletePrepare(known, digest, true) : CompleteScore(known);
    }
    if (const std::string difference = Difference(*store_, model_, imported_); !difference.empty()) Fault(difference);
  }
  Fault("some job does not end");
}

void ModelDriver::CheckResults() {
  for (const auto& [id, job] : model_.jobs()) {
    if (job.visible.state != JobState::kSucceeded) continue;
    const auto results = store_->ResultShards(id);
    if (!results.ok()) return Fault("no results of " + id);
    std::uint32_t next = 0;
    for (const ResultShard& result : *results) {
      const std::string shard = absl::StrCat(id, ".s", result.ordinal);
      if (accepted_[shard] != result.blob) Fault("another result than the accepted one: " + shard);
      for (const std::uint32_t sample : result.samples) {
        while (job.invalid.contains(next)) ++next;
        if (sample != next++) Fault("results are not in dataset order: " + shard);
      }
    }
    if (next + job.invalid.size() < job.visible.counts.samples_total) Fault("results are missing: " + id);
  }
}

}  // namespace headscope::server
