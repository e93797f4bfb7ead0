#include "tests/server/store/reference_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace headscope::server {

SampleFacts FactsOf(const std::string& dataset, std::uint32_t sample) {
  // Datasets that begin with an odd digit have samples that the model cannot take.
  const bool dirty = dataset[0] % 2 == 1;
  return {!dirty || sample % 11 != 3, 6 + (sample * 31) % 90, 2 + sample % 3};
}

namespace {

// PREPARE shards stay abandoned where a retry found token counts elsewhere.
bool HasOpenShard(const ModelJob& job) {
  return std::any_of(job.shards.begin(), job.shards.end(), [](const auto& shard) {
    return shard.second.state == ShardState::kQueued || shard.second.state == ShardState::kLeased;
  });
}

}  // namespace

std::string ReferenceModel::Submit(const NewJob& request, std::string* existing) const {
  for (const auto& [id, job] : jobs_) {
    if (request.request_id.empty() || job.request.request_id != request.request_id) continue;
    *existing = id;
    return job.request.request_hash == request.request_hash ? "" : "REQUEST_ID_REUSED";
  }
  const auto deleted = deleted_requests_.find(request.request_id);
  if (deleted == deleted_requests_.end()) return "";
  return deleted->second == request.request_hash ? "REQUEST_DELETED" : "REQUEST_ID_REUSED";
}

void ReferenceModel::AddShard(ModelJob& job, char phase, std::uint32_t ordinal, const ModelShard& shard) {
  ModelShard& added = job.shards[absl::StrCat(job.visible.id, ".", std::string(1, phase), ordinal)];
  added = shard;
  added.earliest = added.latest = absl::UnixEpoch();
}

void ReferenceModel::Add(const std::string& id, std::int64_t number, const NewJob& request, std::uint64_t samples) {
  ModelJob& job = jobs_[id];
  job.request = request;
  job.visible.id = id;
  job.visible.number = number;
  job.visible.spec = request.spec;
  job.visible.create_time = job.visible.queue_time = Now();
  job.visible.counts.samples_total = samples;
  if (PlanFromKnown(job, samples)) return;
  for (std::uint64_t begin = 0; begin < samples; begin += 4096) {
    ModelShard shard;
    for (std::uint64_t i = begin; i < std::min(begin + 4096, samples); ++i) shard.samples.push_back(i);
    AddShard(job, 'p', begin / 4096, shard);
  }
}

bool ReferenceModel::PlanFromKnown(ModelJob& job, std::uint64_t samples) {
  const std::string& dataset = job.request.spec.dataset;
  if (sessions_.empty() || job.request.spec.model != kKnownModel || !prepared_.contains(dataset)) return false;
  job.visible.spec.model_digest = std::string(32, 'm');
  for (std::uint32_t sample = 0; sample < samples; ++sample) {
    if (!FactsOf(dataset, sample).valid) job.invalid.insert(sample);
  }
  Plan(job);
  return true;
}

void ReferenceModel::Plan(ModelJob& job) {
  JobCounts& counts = job.visible.counts;
  const std::uint64_t samples = counts.samples_total;
  counts.invalid_samples = job.invalid.size();
  const bool refuse = job.request.spec.compute.on_invalid == OnInvalid::kRefuse;
  if (samples == job.invalid.size() || (refuse && !job.invalid.empty())) {
    return EndJob(job, JobState::kFailed, "INVALID_SAMPLES");
  }
  const std::uint32_t batch_tokens = job.request.spec.batch_tokens.value_or(1024);
  job.visible.spec.batch_tokens = batch_tokens;
  job.visible.prepared = true;
  counts.samples_total = samples - job.invalid.size();
  std::uint32_t ordinal = 0;
  ModelShard shard;
  shard.batch_tokens = batch_tokens;
  const ModelShard empty = shard;
  std::uint64_t left = 0;
  for (std::uint32_t sample = 0; sample < samples; ++sample) {
    if (!job.invalid.contains(sample)) left += FactsOf(job.request.spec.dataset, sample).tokens;
  }
  // A 32nd of what is left, in whole batches: at least one, or 1,024 tokens; at most 32,768 tokens, or four.
  const std::uint64_t least = std::max<std::uint64_t>(1024, batch_tokens);
  const auto share = [&] {
    const std::uint64_t batches = left / 32 / least;
    return std::clamp(batches * least, least, std::max<std::uint64_t>(32 * 1024, std::uint64_t{4} * batch_tokens));
  };
  std::uint64_t most = share();
  for (std::uint32_t sample = 0; sample < samples; ++sample) {
    if (job.invalid.contains(sample)) continue;
    const std::uint32_t tokens = FactsOf(job.request.spec.dataset, sample).tokens;
    const bool full = shard.samples.size() == 512 || shard.tokens + tokens > most;
    if (full && !shard.samples.empty()) {
      AddShard(job, 's', ordinal++, shard);
      left -= shard.tokens;
      most = share();
      shard = empty;
    }
    shard.samples.push_back(sample);
    shard.tokens += tokens;
    counts.tokens_total += tokens;
  }
  AddShard(job, 's', ordinal, shard);
}

void ReferenceModel::EndJob(ModelJob& job, JobState state, const std::string& reason) {
  job.visible.state = state;
  job.visible.end_time = Now();
  if (!reason.empty()) job.visible.failure = JobFailure{reason, ""};
  for (auto& [id, shard] : job.shards) {
    if (shard.state == ShardState::kDone) continue;
    if (shard.state == ShardState::kLeased) shard.fence += 1;
    shard.state = ShardState::kAbandoned;
    shard.session.clear();
    shard.missing_since.reset();
  }
}

void ReferenceModel::StopIfIdle(ModelJob& job) {
  for (const auto& [id, shard] : job.shards) {
    if (shard.state == ShardState::kLeased) return;
  }
  EndJob(job, JobState::kCancelled);
}

std::string ReferenceModel::Cancel(const std::string& id) {
  if (!jobs_.contains(id)) return "JOB_NOT_FOUND";
  ModelJob& job = jobs_[id];
  if (HasEnded(job.visible.state) || job.visible.cancel_requested) return "";
  job.visible.cancel_requested = job.visible.state != JobState::kQueued;
  for (auto& [name, shard] : job.shards) {
    if (shard.state == ShardState::kQueued) shard.state = ShardState::kAbandoned;
  }
  StopIfIdle(job);
  return "";
}

std::string ReferenceModel::Retry(const std::string& id) {
  if (!jobs_.contains(id)) return "JOB_NOT_FOUND";
  ModelJob& job = jobs_[id];
  Job& shown = job.visible;
  if (!HasEnded(shown.state)) {
    if (!shown.cancel_requested) return "JOB_NOT_ENDED";
    EndJob(job, JobState::kCancelled);
  }
  if (shown.state == JobState::kSucceeded) return "JOB_NOT_RETRYABLE";
  if (shown.failure && shown.failure->reason == "INVALID_SAMPLES") return "JOB_NOT_RETRYABLE";
  shown.state = JobState::kQueued;
  shown.cancel_requested = false;
  shown.failure.reset();
  shown.start_time.reset();
  shown.end_time.reset();
  shown.queue_time = Now();
  shown.tokens_kept = shown.counts.tokens_done;
  const bool begun = std::any_of(job.shards.begin(), job.shards.end(),
                                 [](const auto& shard) { return shard.second.state == ShardState::kDone; });
  if (!shown.prepared && !begun && (shown.spec.model_digest.empty() || shown.spec.model_digest[0] == 'm') &&
      PlanFromKnown(job, shown.counts.samples_total)) {
    return "";
  }
  for (auto& [name, shard] : job.shards) {
    const bool score = name[name.rfind('.') + 1] == 's';
    if (shard.state != ShardState::kAbandoned || score != shown.prepared) continue;
    shard.state = ShardState::kQueued;
    shard.attempts = 0;
    shard.deaths.clear();
    shard.earliest = shard.latest = absl::UnixEpoch();
  }
  return "";
}

std::string ReferenceModel::Delete(const std::string& id) {
  if (!jobs_.contains(id)) return "JOB_NOT_FOUND";
  if (!HasEnded(jobs_[id].visible.state)) return "JOB_NOT_ENDED";
  const NewJob& request = jobs_[id].request;
  if (!request.request_id.empty()) deleted_requests_[request.request_id] = request.request_hash;
  jobs_.erase(id);
  return "";
}

std::string ReferenceModel::MayOpen(const WorkerDescription& worker) const {
  for (const auto& [id, session] : sessions_) {
    const bool other = session.worker == worker.worker_id && session.boot != worker.boot_id;
    if (other && !worker.local && session.expires > Now()) return "WORKER_ID_IN_USE";
  }
  return "";
}

void ReferenceModel::Open(const SessionRef& session, const WorkerDescription& worker) {
  for (auto former = sessions_.begin(); former != sessions_.end(); ++former) {
    if (former->second.worker != worker.worker_id) continue;
    EndSession(former->first, former->second.boot == worker.boot_id ? Ending::kTaken : Ending::kDeath);
    break;
  }
  sessions_[session.session] = {worker.worker_id, worker.boot_id, session.epoch, worker.local,
                                Now() + absl::Seconds(20)};
}

void ReferenceModel::EndSession(const std::string& session, Ending ending) {
  const std::string ended = session;
  std::map<std::uint64_t, std::string> held;
  for (auto& [id, job] : jobs_) {
    for (auto& [name, shard] : job.shards) {
      if (shard.state == ShardState::kLeased && shard.session == ended) held[shard.claim] = name;
    }
  }
  // Of SCORE shards a worker computes the one that it claimed first.
  bool score_is_blamed = false;
  for (const auto& [claim, name] : held) {
    const bool innocent = name[name.rfind('.') + 1] == 's' && std::exchange(score_is_blamed, true);
    if (Find(name)->session == ended) EndLease(name, ending == Ending::kDeath && innocent ? Ending::kTaken : ending);
  }
  sessions_.erase(ended);
}

std::string ReferenceModel::CheckSession(const SessionRef& session) const {
  const auto open = sessions_.find(session.session);
  return open != sessions_.end() && open->second.epoch == session.epoch ? "" : "STALE_SESSION";
}

std::string ReferenceModel::Close(const SessionRef& session) {
  std::string stale = CheckSession(session);
  if (stale.empty()) EndSession(session.session, Ending::kTaken);
  return stale;
}

void ReferenceModel::LoseWorker(const std::string& worker) {
  for (const auto& [id, session] : sessions_) {
    if (session.worker == worker) return EndSession(id, Ending::kDeath);
  }
}

std::string ReferenceModel::Heartbeat(const SessionRef& session,
                                      const std::vector<std::pair<std::string, std::uint64_t>>& held,
                                      std::vector<std::pair<std::string, std::uint64_t>>* abandon) {
  if (std::string stale = CheckSession(session); !stale.empty()) return stale;
  sessions_[session.session].expires = Now() + absl::Seconds(20);
  *abandon = held;
  for (auto& [id, job] : jobs_) {
    for (auto& [name, shard] : job.shards) {
      if (shard.state != ShardState::kLeased || shard.session != session.session) continue;
      const auto key = std::make_pair(name, shard.fence);
      if (std::count(held.begin(), held.end(), key) > 0) {
        shard.missing_since.reset();
        if (!job.visible.cancel_requested) std::erase(*abandon, key);
      } else if (job.visible.cancel_requested ||
                 (shard.missing_since && Now() - *shard.missing_since >= absl::Seconds(10))) {
        EndLease(name, Ending::kTaken);
      } else if (!shard.missing_since) {
        shard.missing_since = Now();
      }
    }
  }
  return "";
}

const ModelShard* ReferenceModel::Find(const std::string& shard) const {
  const auto job = jobs_.find(JobOf(shard));
  if (job == jobs_.end()) return nullptr;
  const auto found = job->second.shards.find(shard);
  return found == job->second.shards.end() ? nullptr : &found->second;
}

Expect ReferenceModel::Leasable(const std::string& shard) const {
  const ModelShard* const found = Find(shard);
  if (found == nullptr || found->state != ShardState::kQueued) return Expect::kNo;
  // A clock that was set back this far does not count.
  constexpr absl::Duration kHorizon = absl::Minutes(2);
  if (found->earliest > Now() + kHorizon) return Expect::kYes;
  if (found->latest > Now() + kHorizon) return Expect::kEither;
  if (Now() < found->earliest) return Expect::kNo;
  return Now() >= found->latest ? Expect::kYes : Expect::kEither;
}

void ReferenceModel::Claimed(const SessionRef& session, const std::string& name) {
  ModelJob& job = jobs_[JobOf(name)];
  ModelShard& shard = job.shards[name];
  shard.state = ShardState::kLeased;
  shard.session = session.session;
  shard.claim = ++claims_;
  shard.fence += 1;
  shard.missing_since.reset();
  const bool score = name[name.rfind('.') + 1] == 's';
  job.visible.state = score ? JobState::kRunning : JobState::kPreparing;
  if (score && !job.visible.start_time) job.visible.start_time = Now();
  job.visible.counts.attempts += 1;
}

std::string ReferenceModel::CheckLease(const LeaseKey& lease) const {
  if (std::string stale = CheckSession(lease.session); !stale.empty()) return stale;
  const ModelShard* const shard = Find(lease.shard);
  const bool current = shard != nullptr && shard->state == ShardState::kLeased && shard->fence == lease.fence &&
                       shard->session == lease.session.session;
  return current ? "" : "STALE_LEASE";
}

void ReferenceModel::EndLease(const std::string& name, Ending ending) {
  ModelJob& job = jobs_[JobOf(name)];
  ModelShard& shard = job.shards[name];
  shard.session.clear();
  shard.missing_since.reset();
  if (ending != Ending::kReturned) shard.fence += 1;
  if (job.visible.cancel_requested) {
    shard.state = ShardState::kAbandoned;
    return StopIfIdle(job);
  }
  shard.state = ShardState::kQueued;
  shard.earliest = shard.latest = absl::UnixEpoch();
  if (ending != Ending::kDeath) return;
  shard.deaths.push_back(Now());
  if (Deaths(shard) >= 3) EndJob(job, JobState::kFailed, "POISONED");
}

std::uint32_t ReferenceModel::Deaths(const ModelShard& shard) const {
  return std::count_if(shard.deaths.begin(), shard.deaths.end(), [this](absl::Time death) {
    return Now() - death < absl::Hours(1) && death - Now() <= absl::Hours(1);
  });
}

std::string ReferenceModel::Release(const LeaseKey& lease) {
  std::string stale = CheckLease(lease);
  if (stale.empty()) EndLease(lease.shard, Ending::kReturned);
  return stale;
}

std::string ReferenceModel::Fail(const LeaseKey& lease, const ShardFailure& failure) {
  if (std::string stale = CheckLease(lease); !stale.empty()) return stale;
  EndLease(lease.shard, Ending::kReturned);
  ModelJob& job = jobs_[JobOf(lease.shard)];
  ModelShard& shard = job.shards[lease.shard];
  shard.attempts += 1;
  const bool goes_on = !HasEnded(job.visible.state) && !job.visible.cancel_requested;
  if (!failure.retryable) {
    if (goes_on) EndJob(job, JobState::kFailed, failure.failure.reason);
  } else if (shard.attempts >= job.request.spec.max_attempts) {
    if (goes_on) EndJob(job, JobState::kFailed, "MAX_ATTEMPTS_EXCEEDED");
  } else {
    const double delay = std::min(60, 1 << (shard.attempts - 1));
    shard.earliest = Now() + absl::Seconds(0.5 * delay);
    shard.latest = Now() + absl::Seconds(1.5 * delay);
    const std::uint32_t budget = failure.suggested_batch_tokens.value_or(shard.batch_tokens);
    shard.batch_tokens = std::min(shard.batch_tokens, std::max(16u, budget));
  }
  return "";
}

std::string ReferenceModel::CompletePrepare(const LeaseKey& lease, const std::string& digest, bool covers) {
  const ModelShard* const found = Find(lease.shard);
  if (found != nullptr && found->state == ShardState::kDone && found->fence == lease.fence) return "";
  if (std::string stale = CheckLease(lease); !stale.empty()) return stale;
  if (!covers) return "INVALID";
  ModelJob& job = jobs_[JobOf(lease.shard)];
  if (job.visible.cancel_requested) return Release(lease);
  std::string& pinned = job.visible.spec.model_digest;
  if (!pinned.empty() && pinned != digest) return Release(lease);
  pinned = digest;
  ModelShard& shard = job.shards[lease.shard];
  shard.state = ShardState::kDone;
  shard.session.clear();
  for (const std::uint32_t sample : shard.samples) {
    if (!FactsOf(job.request.spec.dataset, sample).valid) job.invalid.insert(sample);
  }
  job.visible.counts.invalid_samples = job.invalid.size();
  if (HasOpenShard(job)) return "";
  if (digest == std::string(32, 'm')) prepared_.insert(job.request.spec.dataset);
  Plan(job);
  return "";
}

std::string ReferenceModel::CompleteScore(const LeaseKey& lease, const std::string& blob, std::uint32_t batch_tokens,
                                          std::uint64_t response_tokens) {
  const ModelShard* const found = Find(lease.shard);
  if (found != nullptr && found->state == ShardState::kDone && found->fence == lease.fence && found->blob == blob) {
    return "";
  }
  if (std::string stale = CheckLease(lease); !stale.empty()) return stale;
  ModelJob& job = jobs_[JobOf(lease.shard)];
  if (job.visible.cancel_requested) return Release(lease);
  ModelShard& shard = job.shards[lease.shard];
  shard.state = ShardState::kDone;
  shard.session.clear();
  shard.blob = blob;
  JobCounts& counts = job.visible.counts;
  counts.samples_done += shard.samples.size();
  counts.tokens_done += shard.tokens;
  counts.response_tokens += response_tokens;
  counts.halved_shards += batch_tokens < *job.visible.spec.batch_tokens ? 1 : 0;
  if (HasOpenShard(job)) return "";
  EndJob(job, JobState::kSucceeded);
  return "";
}

void ReferenceModel::Reap() {
  const std::map<std::string, ModelSession> sessions = sessions_;
  for (const auto& [id, session] : sessions) {
    if (session.expires <= Now()) EndSession(id, Ending::kDeath);
  }
  for (auto& [id, job] : jobs_) {
    const auto ttl = job.request.spec.queue_ttl;
    const bool waits = job.visible.state == JobState::kQueued || job.visible.state == JobState::kPreparing;
    if (!waits || job.visible.cancel_requested || !ttl) continue;
    if (job.visible.queue_time + *ttl <= Now()) EndJob(job, JobState::kExpired);
  }
}

void ReferenceModel::Restart() {
  const std::map<std::string, ModelSession> sessions = sessions_;
  for (const auto& [id, session] : sessions) {
    if (session.local) {
      EndSession(id, Ending::kTaken);
    } else {
      sessions_[id].expires = Now() + absl::Seconds(20);
    }
  }
}

}  // namespace headscope::server
