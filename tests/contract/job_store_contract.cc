#include "tests/contract/job_store_contract.h"

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "tests/fakes/stored_blobs.h"

namespace headscope::server {

void JobStoreContract::Restart(const StoreOptions& options) {
  store_.reset();
  auto store = harness_->Open(clock_, random_, options);
  ASSERT_THAT(store, IsOk());
  store_ = *std::move(store);
}

std::string JobStoreContract::Dataset(std::uint64_t samples) {
  DatasetRecord record;
  record.digest = ToHex(Sha256Of(absl::StrCat("dataset ", ++datasets_)));
  record.sample_count = samples;
  record.size_bytes = samples * 100;
  record.display_name = absl::StrCat("dataset ", datasets_);
  record.create_time = clock_.Now();
  EXPECT_THAT((Announced(*store_, record.digest), store_->PutDataset(record)), IsOk());
  return record.digest;
}

NewJob JobStoreContract::JobOn(const std::string& dataset) {
  NewJob job;
  job.spec.model = "gpt2";
  job.spec.dataset = dataset;
  return job;
}

Job JobStoreContract::Submit(const NewJob& job) {
  const auto outcome = store_->Submit(job);
  EXPECT_THAT(outcome, IsOk());
  return outcome.ok() ? outcome->job : Job();
}

Job JobStoreContract::Get(const std::string& id) {
  const auto job = store_->GetJob(id);
  EXPECT_THAT(job, IsOk());
  return job.ok() ? *job : Job();
}

SessionRef JobStoreContract::OpenSession(const std::string& worker, const std::string& boot, bool local) {
  WorkerDescription description;
  description.worker_id = worker;
  description.boot_id = boot;
  description.build = "headscope test";
  description.device = "cpu";
  description.local = local;
  const auto grant = store_->OpenSession(description);
  EXPECT_THAT(grant, IsOk());
  return grant.ok() ? grant->ref : SessionRef();
}

Lease JobStoreContract::ClaimOf(const SessionRef& session, const std::string& job) {
  const auto candidates = store_->Candidates();
  EXPECT_THAT(candidates, IsOk());
  for (const Candidate& candidate : candidates.ok() ? *candidates : std::vector<Candidate>()) {
    if (candidate.job != job) continue;
    const auto lease = store_->Claim(session, candidate.shard);
    EXPECT_THAT(lease, IsOk());
    if (lease.ok() && *lease) return **lease;
  }
  ADD_FAILURE() << "nothing to lease of job " << job;
  return Lease();
}

LeaseKey JobStoreContract::KeyOf(const SessionRef& session, const Lease& lease) const {
  return {session, lease.shard.id, lease.shard.fence};
}

std::vector<std::pair<std::string, std::uint64_t>> JobStoreContract::Held(const std::vector<Lease>& leases) const {
  std::vector<std::pair<std::string, std::uint64_t>> held;
  for (const Lease& lease : leases) held.emplace_back(lease.shard.id, lease.shard.fence);
  return held;
}

absl::StatusOr<Effect> JobStoreContract::CompletePrepare(const SessionRef& session, const Lease& lease, char digest) {
  std::vector<PreparedSample> valid;
  for (const std::uint32_t sample : lease.shard.samples) valid.push_back({sample, 10, 4});
  return store_->CompletePrepare(KeyOf(session, lease), Digest(digest), valid, {});
}

absl::StatusOr<Effect> JobStoreContract::CompleteScore(const SessionRef& session, const Lease& lease, char blob) {
  return store_->CompleteScore(KeyOf(session, lease), Announced(*store_, BlobName(blob)), lease.shard.batch_tokens,
                               lease.shard.samples.size() * 6);
}

void JobStoreContract::Prepare(const SessionRef& session, const std::string& job, char digest) {
  while (!Get(job).prepared && !HasEnded(Get(job).state) && !HasFailure()) {
    ASSERT_THAT(CompletePrepare(session, ClaimOf(session, job), digest), IsOk());
  }
}

void JobStoreContract::Finish(const SessionRef& session, const std::string& job, char blob) {
  Prepare(session, job);
  while (!HasEnded(Get(job).state) && !HasFailure()) {
    ASSERT_THAT(CompleteScore(session, ClaimOf(session, job), blob), IsOk());
  }
}

CatalogueEntry JobStoreContract::Entry(const std::string& model, const std::string& digest,
                                       const std::string& tokenizer) {
  CatalogueEntry entry;
  entry.model = model;
  entry.digest = digest;
  entry.tokenizer_digest = tokenizer;
  entry.family = "gpt2";
  entry.layers = 2;
  entry.heads = 4;
  entry.kv_heads = 4;
  entry.head_dim = 8;
  entry.vocabulary = 100;
  entry.positions = 64;
  entry.parameters = 1'000'000'000'000;
  entry.weight_bytes = 4'000'000'000'000;
  entry.stored_dtype = "float32";
  entry.has_tokenizer = !tokenizer.empty();
  entry.details = std::string("\0details", 8);
  return entry;
}

}  // namespace headscope::server
