// The operations of the model driver.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/server/store/model_driver.h"

namespace headscope::server {
namespace {

CatalogueEntry KnownEntry() {
  CatalogueEntry entry;
  entry.model = kKnownModel;
  entry.digest = std::string(32, 'm');
  entry.tokenizer_digest = std::string(32, 't');
  entry.layers = 2;
  entry.heads = 4;
  return entry;
}

}  // namespace

// Mostly recent ones: old ones are all stale.
ModelDriver::Known ModelDriver::AnyLease() {
  if (leases_.empty()) {
    Known none;
    none.lease.shard.id = none.key.shard = "j-none.p0";
    none.key.session = sessions_.back();
    return none;
  }
  const std::size_t recent = random_.OneIn(5) ? leases_.size() : std::min<std::size_t>(leases_.size(), 6);
  return leases_[leases_.size() - 1 - random_.Below(recent)];
}

std::string ModelDriver::AnyJob() {
  if (model_.jobs().empty() || random_.OneIn(20)) return "j-none";
  return std::next(model_.jobs().begin(), static_cast<std::ptrdiff_t>(random_.Below(model_.jobs().size())))->first;
}

void ModelDriver::Submit() {
  NewJob job;
  const auto& [dataset, samples] = datasets_[random_.Below(datasets_.size())];
  if (!submitted_.empty() && random_.OneIn(6)) {
    job = submitted_[random_.Below(submitted_.size())];
    if (random_.OneIn(3)) job.request_hash += "x";
  } else {
    job.spec.dataset = dataset;
    job.spec.model = random_.OneIn(3) ? "llama" : kKnownModel;
    job.spec.compute.on_invalid = random_.OneIn(3) ? OnInvalid::kRefuse : OnInvalid::kSkip;
    job.spec.priority = static_cast<std::int32_t>(random_.Below(3));
    job.spec.max_attempts = 1 + static_cast<std::uint32_t>(random_.Below(4));
    if (random_.OneIn(3)) job.spec.batch_tokens = 64 << random_.Below(4);
    if (random_.OneIn(3)) job.spec.queue_ttl = absl::Seconds(1 + random_.Below(40));
    if (random_.OneIn(2)) job.request_id = absl::StrCat("request ", random_.Next());
  }
  Say(absl::StrCat("submit on ", job.spec.dataset.substr(0, 1), " request_id '", job.request_id, "'"));
  std::string existing;
  const std::string wanted = model_.Submit(job, &existing);
  const auto outcome = store_->Submit(job);
  Agree(outcome.status(), wanted);
  if (!outcome.ok()) return;
  if (outcome->created != existing.empty()) return Fault("a job was made twice, or not at all");
  if (!outcome->created) {
    if (outcome->job.id != existing) Fault("another job than the former request's");
    return;
  }
  for (const auto& [digest, count] : datasets_) {
    if (digest == job.spec.dataset) model_.Add(outcome->job.id, outcome->job.number, job, count);
  }
  submitted_.push_back(job);
  CheckEffect(outcome->effect);
}

void ModelDriver::Open() {
  WorkerDescription worker;
  worker.worker_id = absl::StrCat("w", random_.Below(3));
  worker.local = worker.worker_id == "w0";
  worker.boot_id = absl::StrCat("boot ", random_.Below(2));
  Say(absl::StrCat("open ", worker.worker_id, " ", worker.boot_id));
  const std::string wanted = model_.MayOpen(worker);
  const auto grant = store_->OpenSession(worker);
  Agree(grant.status(), wanted);
  if (!grant.ok()) return;
  for (const SessionRef& former : sessions_) {
    if (former.session == grant->ref.session) Fault("a session id was given out twice");
  }
  model_.Open(grant->ref, worker);
  sessions_.push_back(grant->ref);
  CheckEffect(grant->effect);
  Agree(store_->PutCatalogue(worker.worker_id, {KnownEntry()}), "");
}

void ModelDriver::Claim() {
  const std::set<std::string> leasable = Leasable();
  const SessionRef session = random_.OneIn(10) ? AnySession() : sessions_.back();
  if (leasable.empty() || random_.OneIn(15)) return ClaimShard(session, AnyLease().lease.shard.id);
  ClaimShard(session, *std::next(leasable.begin(), static_cast<std::ptrdiff_t>(random_.Below(leasable.size()))));
}

void ModelDriver::ClaimShard(const SessionRef& session, const std::string& shard) {
  Say(absl::StrCat("claim ", shard, " for ", session.session));
  const std::string wanted = model_.CheckSession(session);
  const Expect leasable = model_.Leasable(shard);
  const auto lease = store_->Claim(session, shard);
  Agree(lease.status(), wanted);
  if (!lease.ok()) return;
  if (*lease ? leasable == Expect::kNo : leasable == Expect::kYes) Fault("leased, or not, against the model");
  if (!*lease) return;
  model_.Claimed(session, shard);
  const Shard& leased = (*lease)->shard;
  const ModelShard& expected = model_.jobs().at(ReferenceModel::JobOf(shard)).shards.at(shard);
  if (leased.fence != expected.fence || leased.fence <= fences_[shard]) Fault("a fence that is not the next");
  if (leased.samples != expected.samples || leased.tokens != expected.tokens) Fault("another plan than the model's");
  if (leased.batch_tokens != expected.batch_tokens) Fault("another budget than the model's");
  if (leased.attempts != expected.attempts || leased.worker_deaths != model_.Deaths(expected)) Fault("shard counters");
  fences_[shard] = leased.fence;
  leases_.push_back({{session, shard, leased.fence}, **lease});
}

void ModelDriver::Heartbeat() {
  const SessionRef session = random_.OneIn(4) ? AnySession() : sessions_.back();
  std::vector<std::pair<std::string, std::uint64_t>> held;
  for (const Known& known : leases_) {
    if (known.key.session.session == session.session && !random_.OneIn(5)) {
      held.emplace_back(known.key.shard, known.key.fence);
    }
  }
  Say(absl::StrCat("heartbeat of ", session.session, " with ", held.size()));
  std::vector<std::pair<std::string, std::uint64_t>> abandon;
  const std::string wanted = model_.Heartbeat(session, held, &abandon);
  const auto answer = store_->Heartbeat(session, held);
  Agree(answer.status(), wanted);
  if (!answer.ok()) return;
  if (answer->abandon != abandon) Fault("other leases to abandon than the model's");
  CheckEffect(answer->effect);
}

void ModelDriver::CompleteRandom() {
  const Known known = AnyLease();
  if (known.lease.shard.phase == Phase::kPrepare) {
    CompletePrepare(known, random_.OneIn(30) ? 'n' : 'm', !random_.OneIn(20));
  } else {
    CompleteScore(known);
  }
}

void ModelDriver::CompletePrepare(const Known& known, char digest, bool covers) {
  Say(absl::StrCat("prepared ", known.key.shard, " fence ", known.key.fence));
  std::vector<PreparedSample> valid;
  std::vector<InvalidSample> invalid;
  for (const std::uint32_t sample : known.lease.shard.samples) {
    const SampleFacts facts = FactsOf(known.lease.spec.dataset, sample);
    if (facts.valid) {
      valid.push_back({sample, facts.tokens, facts.prompt_tokens});
    } else {
      invalid.push_back({sample, absl::StrCat(sample), "TOO_LONG", ""});
    }
  }
  if (!covers && !valid.empty()) valid.pop_back();
  const std::string wanted = model_.CompletePrepare(known.key, std::string(32, digest), covers);
  const auto effect = store_->CompletePrepare(known.key, std::string(32, digest), valid, invalid);
  Agree(effect.status(), wanted);
  CheckEffect(effect);
}

void ModelDriver::CompleteScore(const Known& known) {
  // The same holder hands in the same bytes; another one's differ.
  std::string blob = ToHex(Sha256Of(absl::StrCat(known.key.shard, " ", known.key.fence)));
  if (random_.OneIn(30)) blob[0] = blob[0] == '0' ? '1' : '0';
  const std::uint32_t budget = known.lease.shard.batch_tokens / (random_.OneIn(5) ? 2 : 1);
  Say(absl::StrCat("scored ", known.key.shard, " fence ", known.key.fence));
  const auto job = model_.jobs().find(ReferenceModel::JobOf(known.key.shard));
  const bool counts = job != model_.jobs().end() && !job->second.visible.cancel_requested;
  const std::string wanted = model_.CompleteScore(known.key, blob, budget, 3 * known.lease.shard.samples.size());
  const auto effect = store_->CompleteScore(known.key, Announced(*store_, blob), budget, 3 * known.lease.shard.samples.size());
  Agree(effect.status(), wanted);
  CheckEffect(effect);
  if (effect.ok() && counts && !accepted_.emplace(known.key.shard, blob).second && accepted_[known.key.shard] != blob) {
    Fault("two results were accepted for " + known.key.shard);
  }
}

void ModelDriver::Fail() {
  const Known known = AnyLease();
  ShardFailure failure{{"INTERNAL", "why"}, !random_.OneIn(8), std::nullopt};
  if (random_.OneIn(3)) failure.suggested_batch_tokens = 1 << random_.Below(11);
  Say(absl::StrCat("failed ", known.key.shard, " fence ", known.key.fence));
  const std::string wanted = model_.Fail(known.key, failure);
  const auto effect = store_->Fail(known.key, failure);
  Agree(effect.status(), wanted);
  CheckEffect(effect);
}

void ModelDriver::Release() {
  const Known known = AnyLease();
  Say(absl::StrCat("release ", known.key.shard, " fence ", known.key.fence));
  const std::string wanted = model_.Release(known.key);
  const auto effect = store_->Release(known.key);
  Agree(effect.status(), wanted);
  CheckEffect(effect);
}

void ModelDriver::LoseWorker() {
  const std::string worker = absl::StrCat("w", random_.Below(4));
  Say("lose " + worker);
  model_.LoseWorker(worker);
  const auto effect = store_->LoseWorker(worker);
  Agree(effect.status(), "");
  CheckEffect(effect);
}

void ModelDriver::Close() {
  const SessionRef session = AnySession();
  Say("close " + session.session);
  const std::string wanted = model_.Close(session);
  const auto effect = store_->CloseSession(session);
  Agree(effect.status(), wanted);
  CheckEffect(effect);
}

void ModelDriver::Cancel() {
  const std::string job = AnyJob();
  Say("cancel " + job);
  const std::string wanted = model_.Cancel(job);
  const auto effect = store_->Cancel(job);
  Agree(effect.status(), wanted);
  CheckEffect(effect);
}

void ModelDriver::Retry() {
  const std::string job = AnyJob();
  Say("retry " + job);
  const std::string wanted = model_.Retry(job);
  const auto effect = store_->RetryJob(job);
  Agree(effect.status(), wanted);
  CheckEffect(effect);
}

void ModelDriver::Delete() {
  const std::string job = AnyJob();
  Say("delete " + job);
  const std::string wanted = model_.Delete(job);
  Agree(store_->DeleteJob(job), wanted);
}

void ModelDriver::ImportPattern() {
  Say("import a pattern");
  NewPattern pattern;
  pattern.record.blob = std::string(64, 'b');
  const auto record = ImportAnnounced(*store_, pattern);
  Agree(record.status(), "");
  if (record.ok()) imported_.push_back(record->id);
}

// Of the imported ones or of a job, which is refused.
void ModelDriver::DeletePattern() {
  if (imported_.empty() || random_.Below(4) == 0) {
    const std::string job = AnyJob();
    const auto known = model_.jobs().find(job);
    const bool succeeded = known != model_.jobs().end() && known->second.visible.state == JobState::kSucceeded;
    Say("delete the pattern of " + job);
    return Agree(store_->DeletePattern("p-" + job.substr(2)),
                 succeeded ? "PATTERN_OF_JOB" : "PATTERN_NOT_FOUND");
  }
  const std::size_t which = random_.Below(imported_.size());
  Say("delete pattern " + imported_[which]);
  Agree(store_->DeletePattern(imported_[which]), "");
  imported_.erase(imported_.begin() + static_cast<std::ptrdiff_t>(which));
}

void ModelDriver::Reap() {
  Say("reap");
  model_.Reap();
  const auto effect = store_->Reap();
  Agree(effect.status(), "");
  CheckEffect(effect);
}

void ModelDriver::MoveClock() {
  static constexpr std::array kMilliseconds = {1, 300, 1'000, 4'000, 11'000, 70'000, -2'500};
  const int milliseconds = kMilliseconds[random_.Below(kMilliseconds.size())];
  Say(absl::StrCat("clock ", milliseconds, " ms"));
  clock_.Advance(absl::Milliseconds(milliseconds));
}

void ModelDriver::Restart() {
  const bool power_cut = random_.OneIn(2);
  Say(power_cut ? "power cut" : "restart");
  store_ = reopen_(power_cut, std::move(store_), clock_, store_random_);
  model_.Restart();
}

}  // namespace headscope::server
