// What every job store does, whatever it is made of. A store's test program compiles job_store_contract_*.cc and
// instantiates JobStoreContract with its own harness:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreContract, testing::Values(MakeSqliteHarness));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/support/limits.h"
#include "server/store/job_store.h"
#include "server/store/store_options.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"

namespace headscope::server {

// The durable part of a store under test.
class JobStoreHarness {
 public:
  virtual ~JobStoreHarness() = default;
  // Opens a store on what former ones left.
  virtual absl::StatusOr<std::unique_ptr<JobStore>> Open(const Clock& clock, RandomSource& random,
                                                         const StoreOptions& options) = 0;
};
using JobStoreHarnessFactory = std::function<std::unique_ptr<JobStoreHarness>()>;

// 32 bytes that stand for a model's content.
inline std::string Digest(char letter) { return std::string(32, letter); }
// A blob's name.
inline std::string BlobName(char hex_digit) { return std::string(64, hex_digit); }

class JobStoreContract : public ::testing::TestWithParam<JobStoreHarnessFactory> {
 protected:
  JobStoreContract() : harness_(GetParam()()) { Restart(); }

  JobStore& store() { return *store_; }
  FakeClock& clock() { return clock_; }
  // The process ends and another one opens the same data.
  void Restart(const StoreOptions& options = {});

  // A dataset of that many samples; its digest.
  std::string Dataset(std::uint64_t samples);
  NewJob JobOn(const std::string& dataset);
  Job Submit(const NewJob& job);
  // A job of its own on a dataset of that many samples.
  Job SubmitSamples(std::uint64_t samples) { return Submit(JobOn(Dataset(samples))); }
  Job Get(const std::string& id);

  SessionRef OpenSession(const std::string& worker, const std::string& boot = "boot", bool local = false);
  // Leases the first leasable shard of the job.
  Lease ClaimOf(const SessionRef& session, const std::string& job);
  LeaseKey KeyOf(const SessionRef& session, const Lease& lease) const;
  std::vector<std::pair<std::string, std::uint64_t>> Held(const std::vector<Lease>& leases) const;

  // Every sample valid, 10 tokens, 4 of them prompt.
  absl::StatusOr<Effect> CompletePrepare(const SessionRef& session, const Lease& lease, char digest = 'm');
  absl::StatusOr<Effect> CompleteScore(const SessionRef& session, const Lease& lease, char blob = 'a');
  // Does all PREPARE work of the job.
  void Prepare(const SessionRef& session, const std::string& job, char digest = 'm');
  // Does all work of the job.
  void Finish(const SessionRef& session, const std::string& job, char blob = 'a');

  static CatalogueEntry Entry(const std::string& model, const std::string& digest, const std::string& tokenizer);

 private:
  FakeClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<JobStoreHarness> harness_;
  std::unique_ptr<JobStore> store_;
  int datasets_ = 0;
};

}  // namespace headscope::server
