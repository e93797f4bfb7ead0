#include "server/service/sweep_submission.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/error.h"
#include "server/service/model_catalogue.h"
#include "server/service/request_hash.h"
#include "server/service/resource_names.h"
#include "server/service/sweep_convert.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

// Collects what is refused of a sweep: the error is the first one's, with all of them in its BadRequest.
class Refusals {
 public:
  void Add(const std::string& field, const absl::Status& status) {
    if (first_.ok()) first_ = status;
    violations_.push_back({field, std::string(status.message())});
  }
  absl::Status status() const {
    if (first_.ok()) return first_;
    std::string message(first_.message());
    if (violations_.size() > 1) absl::StrAppend(&message, " (and ", violations_.size() - 1, " more)");
    ErrorDetails details = DetailsOf(first_);
    details.violations = violations_;
    return MakeError(first_.code(), std::move(message), std::move(details));
  }

 private:
  absl::Status first_;
  std::vector<FieldViolation> violations_;
};

std::string ModelField(std::size_t model) { return absl::StrCat("spec.models[", model, "]"); }

// Content of each model, pinned or open; `wanted` has the content that is asked for, empty where none is. Models that
// `needed` says no to are left alone.
absl::StatusOr<std::vector<std::string>> ResolveModels(JobStore& store, const Fleet& fleet, const SweepSpec& spec,
                                                       const std::vector<std::string>& wanted,
                                                       const std::vector<bool>& needed) {
  const absl::StatusOr<CatalogueRows> rows = store.Catalogue();
  if (!rows.ok()) return rows.status();
  if (absl::Status status = CheckAnyWorkerSeen(*rows, fleet.Workers()); !status.ok()) return status;
  Refusals refusals;
  std::vector<std::string> digests(spec.models.size());
  for (std::size_t model = 0; model < spec.models.size(); ++model) {
    if (!needed[model]) continue;
    absl::StatusOr<std::string> digest = ResolveModel(*rows, spec.models[model], wanted[model]);
    if (digest.ok()) {
      digests[model] = *std::move(digest);
    } else {
      refusals.Add(ModelField(model), digest.status());
    }
  }
  if (absl::Status status = refusals.status(); !status.ok()) return status;
  return digests;
}

// The number of samples of each dataset.
absl::StatusOr<std::vector<std::uint64_t>> FindDatasets(JobStore& store, const SweepSpec& spec) {
  Refusals refusals;
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < spec.datasets.size(); ++i) {
    const absl::StatusOr<DatasetRecord> dataset = store.GetDataset(spec.datasets[i].digest);
    if (!dataset.ok()) refusals.Add(absl::StrCat("spec.datasets[", i, "].dataset"), dataset.status());
    samples.push_back(dataset.ok() ? dataset->sample_count : 0);
  }
  if (absl::Status status = refusals.status(); !status.ok()) return status;
  return samples;
}

// The sweep as it would be queued, without names.
Sweep Preview(const NewSweep& submitted, const std::vector<std::uint64_t>& samples, absl::Time now) {
  Sweep sweep;
  sweep.spec = submitted.spec;
  sweep.create_time = now;
  sweep.counts.total = sweep.counts.queued = static_cast<std::uint32_t>(sweep.spec.cell_count());
  for (std::size_t cell = 0; cell < sweep.spec.cell_count(); ++cell) {
    Job job;
    job.spec.model = sweep.spec.model_of(cell);
    job.counts.samples_total = samples[cell % samples.size()];
    sweep.cells.push_back(std::move(job));
  }
  return sweep;
}

void CountJobs(Shared& shared, const Sweep& sweep, std::size_t jobs) {
  for (std::size_t i = 0; i < jobs; ++i) shared.context.metrics.JobSubmitted(sweep.spec.common.compute.method);
}

// On the store's thread.
absl::StatusOr<Sweep> Queue(Shared& shared, JobStore& store, NewSweep& sweep, bool validate_only) {
  sweep.request_hash = RequestHash(sweep.spec);
  if (!validate_only) {
    // Whatever has become of the models since.
    absl::StatusOr<std::optional<Sweep>> former = store.FindSubmittedSweep(sweep);
    if (!former.ok()) return former.status();
    if (*former) return **std::move(former);
  }
  const std::size_t models = sweep.spec.models.size();
  auto digests = ResolveModels(store, shared.context.fleet, sweep.spec, std::vector<std::string>(models),
                               std::vector<bool>(models, true));
  if (!digests.ok()) return digests.status();
  const auto samples = FindDatasets(store, sweep.spec);
  if (!samples.ok()) return samples.status();
  if (validate_only) return Preview(sweep, *samples, shared.context.clock.Now());
  sweep.model_digests = *std::move(digests);
  absl::StatusOr<SweepOutcome> outcome = store.SubmitSweep(sweep);
  if (!outcome.ok()) return outcome.status();
  CountJobs(shared, outcome->sweep, outcome->sweep.cells.size());
  shared.context.fleet.Apply(outcome->effect);
  return std::move(outcome->sweep);
}

// Cells that are pinned, retried or not, decide which content the others of the same model must have.
absl::StatusOr<std::vector<std::string>> ResolveRetried(Shared& shared, JobStore& store, const Sweep& sweep) {
  std::vector<std::string> wanted(sweep.spec.models.size());
  std::vector<bool> needed(sweep.spec.models.size());
  for (std::size_t cell = 0; cell < sweep.cells.size(); ++cell) {
    const std::size_t model = cell / sweep.spec.datasets.size();
    const std::optional<Job>& job = sweep.cells[cell];
    if (NeedsRetry(job)) needed[model] = true;
    if (job && !job->spec.model_digest.empty()) wanted[model] = job->spec.model_digest;
  }
  return ResolveModels(store, shared.context.fleet, sweep.spec, wanted, needed);
}

// "sort on base, sort on run/checkpoint-1": the cells of a dataset that a retry would compute, the first few of them.
std::string CellsToRetry(const Sweep& sweep, std::size_t dataset) {
  constexpr std::size_t kNamed = 3;
  std::vector<std::string> cells;
  for (std::size_t cell = dataset; cell < sweep.cells.size(); cell += sweep.spec.datasets.size()) {
    if (!NeedsRetry(sweep.cells[cell])) continue;
    cells.push_back(absl::StrCat(sweep.spec.datasets[dataset].task, " on ", sweep.spec.model_of(cell)));
  }
  const std::size_t more = cells.size() > kNamed ? cells.size() - kNamed : 0;
  cells.resize(cells.size() - more);
  std::string text = absl::StrJoin(cells, ", ");
  if (more > 0) absl::StrAppend(&text, " and ", more, " more");
  return text;
}

// Datasets can be deleted once no job is on them.
absl::Status CheckDatasetsToRetry(JobStore& store, const Sweep& sweep) {
  Refusals refusals;
  for (std::size_t i = 0; i < sweep.spec.datasets.size(); ++i) {
    const std::string cells = CellsToRetry(sweep, i);
    if (cells.empty()) continue;
    const absl::Status found = store.GetDataset(sweep.spec.datasets[i].digest).status();
    if (found.ok()) continue;
    if (!absl::IsNotFound(found)) return found;
    refusals.Add(
        absl::StrCat("spec.datasets[", i, "].dataset"),
        MakeError(
            absl::StatusCode::kNotFound,
            absl::StrCat(
                DatasetName(sweep.spec.datasets[i].digest), " of ", cells,
                " was deleted, so that a retry cannot compute it; upload exactly its rows "
                "again, no more and no fewer, which gives the same dataset, and retry, or submit a sweep without it"),
            "DATASET_DELETED"));
  }
  return refusals.status();
}

// On the store's thread.
absl::StatusOr<Sweep> Retry(Shared& shared, JobStore& store, const std::string& id) {
  const absl::StatusOr<Sweep> sweep = store.GetSweep(id);
  if (!sweep.ok()) return sweep;
  if (absl::Status status = CheckDatasetsToRetry(store, *sweep); !status.ok()) return status;
  const auto digests = ResolveRetried(shared, store, *sweep);
  if (!digests.ok()) return digests.status();
  const absl::StatusOr<RetryOutcome> outcome = store.RetrySweep(id, *digests);
  if (!outcome.ok()) return outcome.status();
  CountJobs(shared, *sweep, outcome->jobs.size());
  shared.context.fleet.Apply(outcome->effect);
  return store.GetSweep(id);
}

// Ends the call with the sweep, or with the error, which is counted.
template <typename Response>
void Answer(Shared& shared, const UnaryCall<Response>& call, const absl::StatusOr<Sweep>& sweep) {
  if (!sweep.ok()) {
    const std::string reason = ReasonOf(sweep.status());
    shared.context.metrics.JobRejected(reason.empty() ? absl::StatusCodeToString(sweep.status().code()) : reason);
    return call.Finish(sweep.status());
  }
  if (!sweep->id.empty()) call.SetResource(SweepName(sweep->id));
  Response answer;
  *answer.mutable_sweep() = ToProto(*sweep, shared.context.fleet, shared.context.clock.Now());
  call.Finish(std::move(answer));
}

}  // namespace

grpc::ServerUnaryReactor* SubmitSweep(Shared& shared, const UnaryCall<v1::SubmitSweepResponse>& call,
                                      const v1::SubmitSweepRequest& request) {
  Violations violations;
  NewSweep sweep = ValidateSubmit(request, violations);
  absl::Status refused = shared.CheckOpenWithRoom();
  refused.Update(violations.status());
  if (!refused.ok()) {
    Answer(shared, call, refused);
    return call.reactor();
  }
  return call.ThenOnStore(
      [&shared, call, sweep = std::move(sweep), validate_only = request.validate_only()](JobStore& store) mutable {
        Answer(shared, call, Queue(shared, store, sweep, validate_only));
      });
}

grpc::ServerUnaryReactor* RetrySweep(Shared& shared, const UnaryCall<v1::RetrySweepResponse>& call,
                                     const std::string& id) {
  if (absl::Status open = shared.CheckOpenWithRoom(); !open.ok()) return call.Refuse(std::move(open));
  return call.ThenOnStore([&shared, call, id](JobStore& store) { Answer(shared, call, Retry(shared, store, id)); });
}

}  // namespace headscope::server
