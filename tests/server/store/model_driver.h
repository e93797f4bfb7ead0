// Plays random operations on a store and on the reference model and checks after every one that they agree.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/store/job_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/server/store/reference_model.h"

namespace headscope::server {

class ModelDriver {
 public:
  // Opens the store again on what the former one left: after an orderly end, or as a power cut would leave it.
  using Reopen = std::function<std::unique_ptr<JobStore>(bool power_cut, std::unique_ptr<JobStore> former,
                                                         const Clock& clock, RandomSource& random)>;
  ModelDriver(std::uint64_t seed, Reopen reopen);

  // One random operation.
  void Step();
  // Well-behaved work until every job has ended; then results are checked.
  void Drain();

  // What went wrong first; empty while all is well.
  const std::string& fault() const { return fault_; }
  // The last operations, for the message.
  const std::vector<std::string>& history() const { return history_; }

 private:
  struct Known {
    LeaseKey key;
    Lease lease;
  };
  struct KnownSweep {
    NewSweep request;
    // The job that each cell has now, or had when it was deleted.
    std::vector<std::string> cells;
    // Its state when it was seen last.
    std::vector<JobState> states;
    // All that were ever made, oldest first.
    std::vector<std::string> jobs;
  };

  // Operations.
  void Submit();
  void Open();
  void Claim();
  void Heartbeat();
  void CompleteRandom();
  void CompletePrepare(const Known& known, char digest, bool covers);
  void CompleteScore(const Known& known);
  void Fail();
  void Release();
  void LoseWorker();
  void Close();
  void Cancel();
  void Retry();
  void Delete();
  void ImportPattern();
  void DeletePattern();
  void Reap();
  void MoveClock();
  void Restart();
  void SubmitSweep();
  void CancelSweep();
  void RetrySweep();
  void DeleteSweep();

  void ClaimShard(const SessionRef& session, const std::string& shard);
  // The statuses agree; with an effect, it names every job that looks different now and says when there is new work.
  void Agree(const absl::Status& status, const std::string& wanted);
  void Remember();
  void CheckEffect(const absl::StatusOr<Effect>& effect);
  void CheckResults();
  void CheckSweeps();
  void AddCell(KnownSweep& sweep, const std::string& id, std::size_t cell, const Job& job);
  void Fault(const std::string& what);
  void Say(std::string what);
  std::set<std::string> Leasable();

  const SessionRef& AnySession() { return sessions_[random_.Below(sessions_.size())]; }
  Known AnyLease();
  std::string AnyJob();
  std::string AnySweep();
  std::uint64_t SamplesOf(const std::string& dataset) const;

  const Reopen reopen_;
  FakeClock clock_;
  SeededRandom random_;
  SeededRandom store_random_;
  ReferenceModel model_;
  std::unique_ptr<JobStore> store_;
  std::vector<std::pair<std::string, std::uint64_t>> datasets_;
  std::vector<NewJob> submitted_;
  std::map<std::string, KnownSweep> sweeps_;
  std::vector<SessionRef> sessions_;
  std::vector<Known> leases_;
  // Ids of imported patterns, the oldest first.
  std::vector<std::string> imported_;
  std::map<std::string, std::uint64_t> fences_;
  std::map<std::string, std::string> accepted_;
  std::map<std::string, std::string> before_;
  std::set<std::string> leasable_before_;
  std::vector<std::string> history_;
  std::string fault_;
};

}  // namespace headscope::server
