#include "server/service/sweep_convert.h"

#include "server/service/convert.h"
#include "server/service/enum_tables.h"
#include "server/service/job_view.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

v1::SweepSpec ToProto(const SweepSpec& spec) {
  v1::SweepSpec proto;
  for (const std::string& model : spec.models) proto.add_models(ModelName(model));
  for (const SweepDataset& dataset : spec.datasets) {
    v1::SweepDataset& added = *proto.add_datasets();
    added.set_dataset(DatasetName(dataset.digest));
    added.set_task(dataset.task);
  }
  v1::JobSpec common = ToProto(spec.common);
  proto.mutable_compute()->Swap(common.mutable_compute());
  proto.mutable_reduction()->Swap(common.mutable_reduction());
  proto.mutable_execution()->Swap(common.mutable_execution());
  proto.mutable_labels()->swap(*common.mutable_labels());
  return proto;
}

v1::SweepCellCounts ToProto(const SweepCounts& counts) {
  v1::SweepCellCounts proto;
  proto.set_total(counts.total);
  proto.set_queued(counts.queued);
  proto.set_preparing(counts.preparing);
  proto.set_running(counts.running);
  proto.set_succeeded(counts.succeeded);
  proto.set_failed(counts.failed);
  proto.set_cancelled(counts.cancelled);
  proto.set_expired(counts.expired);
  proto.set_deleted(counts.deleted);
  return proto;
}

void FillJob(const JobView& view, v1::SweepCell& cell) {
  v1::Job job = ToProto(view);
  cell.set_job(job.name());
  cell.set_state(job.state());
  cell.set_cancel_requested(job.cancel_requested());
  cell.set_blocked_reason(job.blocked_reason());
  cell.mutable_progress()->Swap(job.mutable_progress());
  cell.mutable_progress()->clear_eta();
  if (job.has_failure()) cell.mutable_failure()->Swap(job.mutable_failure());
  cell.set_invalid_samples(job.invalid_samples());
  cell.set_pattern(job.pattern());
}

void Add(const v1::Progress& part, v1::Progress& sum) {
  sum.set_samples_done(sum.samples_done() + part.samples_done());
  sum.set_samples_total(sum.samples_total() + part.samples_total());
  sum.set_tokens_done(sum.tokens_done() + part.tokens_done());
  sum.set_tokens_total(sum.tokens_total() + part.tokens_total());
}

v1::Progress StoredProgress(const SweepCounts& counts) {
  v1::Progress progress;
  progress.set_samples_done(counts.samples_done);
  progress.set_samples_total(counts.samples_total);
  progress.set_tokens_done(counts.tokens_done);
  progress.set_tokens_total(counts.tokens_total);
  return progress;
}

void AddCells(const Sweep& sweep, const Fleet& fleet, absl::Time now, v1::Sweep& proto) {
  proto.clear_progress();
  for (std::size_t i = 0; i < sweep.cells.size(); ++i) {
    v1::SweepCell& cell = *proto.add_cells();
    cell.set_model(ModelName(sweep.spec.model_of(i)));
    cell.set_dataset(DatasetName(sweep.spec.dataset_of(i).digest));
    cell.set_task(sweep.spec.dataset_of(i).task);
    if (!sweep.cells[i]) continue;
    FillJob(ViewOf(*sweep.cells[i], fleet, now), cell);
    Add(cell.progress(), *proto.mutable_progress());
  }
}

}  // namespace

v1::Sweep ToProto(const Sweep& sweep, const Fleet& fleet, absl::Time now) {
  v1::Sweep proto;
  if (!sweep.id.empty()) proto.set_name(SweepName(sweep.id));
  *proto.mutable_spec() = ToProto(sweep.spec);
  const JobState state = StateOf(sweep.counts);
  proto.set_state(ToProto(kJobStates, state));
  *proto.mutable_counts() = ToProto(sweep.counts);
  *proto.mutable_progress() = StoredProgress(sweep.counts);
  if (!sweep.cells.empty()) AddCells(sweep, fleet, now, proto);
  *proto.mutable_create_time() = ToProto(sweep.create_time);
  if (sweep.counts.start_time) *proto.mutable_start_time() = ToProto(*sweep.counts.start_time);
  if (HasEnded(state) && sweep.counts.end_time) *proto.mutable_end_time() = ToProto(*sweep.counts.end_time);
  return proto;
}

}  // namespace headscope::server
