// What a job store does, said once more as plainly as possible: maps in memory, no transactions, no SQL, and none of
// the code of server/jobs. The model test plays both and compares.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/store/job_store.h"
#include "tests/fakes/fake_clock.h"

namespace headscope::server {

// What a worker finds out about a sample: the same for everyone who asks.
struct SampleFacts {
  bool valid = true;
  std::uint32_t tokens = 0;
  std::uint32_t prompt_tokens = 0;
};
SampleFacts FactsOf(const std::string& dataset, std::uint32_t sample);

struct ModelShard {
  std::vector<std::uint32_t> samples;
  std::uint64_t tokens = 0;
  std::uint32_t batch_tokens = 0;
  ShardState state = ShardState::kQueued;
  std::uint64_t fence = 0;
  std::uint32_t attempts = 0;
  std::vector<absl::Time> deaths;
  // The back-off is random: it ends between these.
  absl::Time earliest;
  absl::Time latest;
  std::string session;
  // Counts claims.
  std::uint64_t claim = 0;
  std::optional<absl::Time> missing_since;
  std::string blob;
};

struct ModelJob {
  NewJob request;
  // State, counts, failure, times as the store should show them.
  Job visible;
  // By shard id; those of PREPARE stay when those of SCORE come.
  std::map<std::string, ModelShard> shards;
  std::set<std::uint32_t> invalid;
};

struct ModelSession {
  std::string worker;
  std::string boot;
  std::uint64_t epoch = 0;
  bool local = false;
  absl::Time expires;
};

// The one model whose content ('m') the connected workers' catalogues tell; the store cannot know it of any other.
inline constexpr char kKnownModel[] = "gpt2";

enum class Expect { kYes, kNo, kEither };

class ReferenceModel {
 public:
  explicit ReferenceModel(const FakeClock& clock) : clock_(clock) {}

  // Every operation answers with the reason that the store's error should have; "" for OK.
  std::string Submit(const NewJob& request, std::string* existing) const;
  void Add(const std::string& id, std::int64_t number, const NewJob& request, std::uint64_t samples);
  std::string Cancel(const std::string& id);
  std::string Delete(const std::string& id);
  std::string Retry(const std::string& id);
  std::string MayOpen(const WorkerDescription& worker) const;
  void Open(const SessionRef& session, const WorkerDescription& worker);
  std::string Close(const SessionRef& session);
  void LoseWorker(const std::string& worker);
  std::string Heartbeat(const SessionRef& session, const std::vector<std::pair<std::string, std::uint64_t>>& held,
                        std::vector<std::pair<std::string, std::uint64_t>>* abandon);
  // Whether the shard can be leased now.
  Expect Leasable(const std::string& shard) const;
  // Of the last hour.
  std::uint32_t Deaths(const ModelShard& shard) const;
  std::string CheckSession(const SessionRef& session) const;
  void Claimed(const SessionRef& session, const std::string& shard);
  std::string CompletePrepare(const LeaseKey& lease, const std::string& digest, bool covers);
  std::string CompleteScore(const LeaseKey& lease, const std::string& blob, std::uint32_t batch_tokens,
                            std::uint64_t response_tokens);
  std::string Fail(const LeaseKey& lease, const ShardFailure& failure);
  std::string Release(const LeaseKey& lease);
  void Reap();
  void Restart();

  const std::map<std::string, ModelJob>& jobs() const { return jobs_; }
  const std::map<std::string, ModelSession>& sessions() const { return sessions_; }
  static std::string JobOf(const std::string& shard) { return shard.substr(0, shard.rfind('.')); }

 private:
  enum class Ending { kReturned, kTaken, kDeath };

  std::string CheckLease(const LeaseKey& lease) const;
  const ModelShard* Find(const std::string& shard) const;
  void EndLease(const std::string& shard, Ending ending);
  void EndJob(ModelJob& job, JobState state, const std::string& reason = "");
  void StopIfIdle(ModelJob& job);
  void EndSession(const std::string& session, Ending ending);
  bool PlanFromKnown(ModelJob& job, std::uint64_t samples);
  void Plan(ModelJob& job);
  void AddShard(ModelJob& job, char phase, std::uint32_t ordinal, const ModelShard& shard);
  absl::Time Now() const { return clock_.Now(); }

  const FakeClock& clock_;
  std::map<std::string, ModelJob> jobs_;
  std::map<std::string, ModelSession> sessions_;
  // By id: the hash of the request.
  std::map<std::string, std::string> deleted_requests_;
  std::uint64_t claims_ = 0;
  // Datasets whose token counts are known, for the model content 'm'.
  std::set<std::string> prepared_;
};

}  // namespace headscope::server
