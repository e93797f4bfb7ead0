// The model driver's operations on sweeps: what they do to jobs is said by the reference model's operations on each.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/server/store/model_driver.h"

namespace headscope::server {
namespace {

JobState EndState(const std::vector<JobState>& cells) {
  const auto has = [&cells](JobState state) { return std::find(cells.begin(), cells.end(), state) != cells.end(); };
  if (has(JobState::kFailed) || has(JobState::kExpired)) return JobState::kFailed;
  return has(JobState::kCancelled) ? JobState::kCancelled : JobState::kSucceeded;
}

}  // namespace

std::string ModelDriver::AnySweep() {
  if (sweeps_.empty() || random_.OneIn(20)) return "s-none";
  return std::next(sweeps_.begin(), static_cast<std::ptrdiff_t>(random_.Below(sweeps_.size())))->first;
}

std::uint64_t ModelDriver::SamplesOf(const std::string& dataset) const {
  for (const auto& [digest, count] : datasets_) {
    if (digest == dataset) return count;
  }
  return 0;
}

void ModelDriver::AddCell(KnownSweep& sweep, const std::string& id, std::size_t cell, const Job& job) {
  NewJob request;
  request.spec = CellSpec(sweep.request.spec, id, cell, "");
  model_.Add(job.id, job.number, request, SamplesOf(request.spec.dataset));
  sweep.cells[cell] = job.id;
  sweep.jobs.push_back(job.id);
}

void ModelDriver::SubmitSweep() {
  NewSweep request;
  request.spec.models = {kKnownModel, "llama"};
  const std::size_t first = random_.Below(datasets_.size());
  request.spec.datasets = {{datasets_[first].first, "a"}, {datasets_[(first + 1) % datasets_.size()].first, "b"}};
  request.spec.common.compute.on_invalid = random_.OneIn(3) ? OnInvalid::kRefuse : OnInvalid::kSkip;
  request.spec.common.max_attempts = 1 + static_cast<std::uint32_t>(random_.Below(4));
  if (random_.OneIn(3)) request.spec.common.queue_ttl = absl::Seconds(1 + random_.Below(40));
  request.model_digests.resize(2);
  if (random_.OneIn(2)) request.request_id = absl::StrCat("sweep ", random_.Next());
  const bool repeated = !sweeps_.empty() && random_.OneIn(6);
  if (repeated) request = sweeps_.begin()->second.request;
  const bool same = repeated && !request.request_id.empty();
  Say(absl::StrCat("submit a sweep", same ? ", again" : ""));
  const auto outcome = store_->SubmitSweep(request);
  Agree(outcome.status(), "");
  if (!outcome.ok()) return;
  if (outcome->created == same) return Fault("a sweep was made twice, or not at all");
  if (same) {
    if (outcome->sweep.id != sweeps_.begin()->first) Fault("another sweep than the former request's");
    return;
  }
  KnownSweep& sweep = sweeps_[outcome->sweep.id];
  sweep.request = request;
  sweep.cells.resize(request.spec.cell_count());
  sweep.states.resize(request.spec.cell_count());
  for (std::size_t cell = 0; cell < sweep.cells.size(); ++cell) {
    AddCell(sweep, outcome->sweep.id, cell, *outcome->sweep.cells.at(cell));
  }
  CheckEffect(outcome->effect);
}

void ModelDriver::CancelSweep() {
  const std::string id = AnySweep();
  Say("cancel " + id);
  const auto effect = store_->CancelSweep(id);
  Agree(effect.status(), sweeps_.contains(id) ? "" : "SWEEP_NOT_FOUND");
  if (!effect.ok()) return;
  for (const std::string& job : sweeps_[id].cells) model_.Cancel(job);
  CheckEffect(effect);
}

void ModelDriver::RetrySweep() {
  const std::string id = AnySweep();
  Say("retry " + id);
  const auto outcome = store_->RetrySweep(id, {"", ""});
  Agree(outcome.status(), sweeps_.contains(id) ? "" : "SWEEP_NOT_FOUND");
  if (!outcome.ok()) return;
  KnownSweep& sweep = sweeps_[id];
  std::vector<std::string> retried;
  for (const std::string& job : sweep.cells) {
    if (model_.jobs().contains(job) && model_.Retry(job).empty()) retried.push_back(job);
  }
  if (retried.size() > outcome->jobs.size() ||
      !std::equal(retried.begin(), retried.end(), outcome->jobs.begin())) {
    return Fault("other cells were retried than the model's");
  }
  std::size_t made = retried.size();
  for (std::size_t cell = 0; cell < sweep.cells.size(); ++cell) {
    if (model_.jobs().contains(sweep.cells[cell])) continue;
    if (made == outcome->jobs.size()) return Fault("a cell got no new job");
    const auto stored = store_->GetJob(outcome->jobs[made++]);
    if (!stored.ok()) return Fault("a new job is not there");
    AddCell(sweep, id, cell, *stored);
  }
  if (made != outcome->jobs.size()) Fault("a cell got a new job that needed none");
  CheckEffect(outcome->effect);
}

void ModelDriver::DeleteSweep() {
  const std::string id = AnySweep();
  const bool keep_jobs = random_.OneIn(2);
  Say(absl::StrCat("delete ", id, keep_jobs ? ", not its jobs" : ""));
  std::string wanted = sweeps_.contains(id) ? "" : "SWEEP_NOT_FOUND";
  std::vector<std::string> jobs;
  for (const std::string& job : sweeps_.contains(id) ? sweeps_[id].jobs : std::vector<std::string>()) {
    const auto found = model_.jobs().find(job);
    if (found == model_.jobs().end() || keep_jobs) continue;
    if (!HasEnded(found->second.visible.state)) wanted = "SWEEP_NOT_ENDED";
    jobs.push_back(job);
  }
  const auto deleted = store_->DeleteSweep(id, keep_jobs);
  Agree(deleted.status(), wanted);
  if (!deleted.ok()) return;
  if (*deleted != jobs) Fault("other jobs went with the sweep");
  for (const std::string& job : jobs) model_.Delete(job);
  sweeps_.erase(id);
}

// Every cell shows the job that it has, as it is, and the counts are theirs; what was deleted still counts for the
// state.
void ModelDriver::CheckSweeps() {
  for (auto& [id, known] : sweeps_) {
    const auto sweep = store_->GetSweep(id);
    if (!sweep.ok()) return Fault("sweep " + id + " is lost");
    std::uint32_t open = 0, deleted = 0;
    std::uint64_t samples = 0;
    for (std::size_t cell = 0; cell < known.cells.size(); ++cell) {
      const auto job = model_.jobs().find(known.cells[cell]);
      const bool gone = job == model_.jobs().end();
      if (gone == sweep->cells.at(cell).has_value()) return Fault("a cell of " + id + " has lost its job, or kept it");
      deleted += gone ? 1 : 0;
      if (gone) continue;
      known.states[cell] = job->second.visible.state;
      if (sweep->cells[cell]->id != job->first) return Fault("a cell of " + id + " has another job");
      open += HasEnded(job->second.visible.state) ? 0 : 1;
      samples += job->second.visible.counts.samples_done;
    }
    const SweepCounts& counts = sweep->counts;
    if (counts.queued + counts.preparing + counts.running != open || counts.deleted != deleted) return Fault("cells counted of " + id);
    if (counts.samples_done != samples) return Fault("samples counted of " + id);
    if (open == 0 && StateOf(counts) != EndState(known.states)) return Fault("another state of " + id);
  }
}

}  // namespace headscope::server
