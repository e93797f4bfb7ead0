#include "client/headscope/wire_sweep.h"

#include "absl/strings/str_cat.h"
#include "client/headscope/wire.h"
#include "client/headscope/wire_time.h"

namespace headscope::client {
namespace {

SweepSpec SpecFromProto(const v1::SweepSpec& proto) {
  SweepSpec spec;
  for (const std::string& model : proto.models()) spec.models.push_back(Bare(model, "models/"));
  for (const v1::SweepDataset& dataset : proto.datasets()) {
    spec.datasets.push_back({Bare(dataset.dataset(), "datasets/"), dataset.task()});
  }
  spec.compute = FromProto(proto.compute());
  spec.reduction = FromProto(proto.reduction());
  spec.execution = FromProto(proto.execution());
  spec.labels = {proto.labels().begin(), proto.labels().end()};
  return spec;
}

SweepCell CellFromProto(const v1::SweepCell& proto) {
  SweepCell cell;
  cell.model = Bare(proto.model(), "models/");
  cell.dataset = Bare(proto.dataset(), "datasets/");
  cell.task = proto.task();
  cell.job = Bare(proto.job(), "jobs/");
  cell.state = FromProto(proto.state());
  cell.cancel_requested = proto.cancel_requested();
  cell.blocked_reason = proto.blocked_reason();
  cell.progress = FromProto(proto.progress());
  if (proto.has_failure()) cell.failure = Failure{proto.failure().reason(), proto.failure().message()};
  cell.invalid_samples = proto.invalid_samples();
  cell.pattern = Bare(proto.pattern(), "patterns/");
  return cell;
}

SweepCounts CountsFromProto(const v1::SweepCellCounts& proto) {
  return {proto.total(),  proto.queued(),    proto.preparing(), proto.running(), proto.succeeded(),
          proto.failed(), proto.cancelled(), proto.expired(),   proto.deleted()};
}

}  // namespace

v1::SweepSpec ToProto(const SweepSpec& spec) {
  v1::SweepSpec proto;
  for (const std::string& model : spec.models) proto.add_models(absl::StrCat("models/", Bare(model, "models/")));
  for (const SweepDataset& dataset : spec.datasets) {
    v1::SweepDataset& added = *proto.add_datasets();
    added.set_dataset(absl::StrCat("datasets/", Bare(dataset.dataset, "datasets/")));
    added.set_task(dataset.task);
  }
  *proto.mutable_compute() = ToProto(spec.compute);
  *proto.mutable_reduction() = ToProto(spec.reduction);
  *proto.mutable_execution() = ToProto(spec.execution);
  proto.mutable_labels()->insert(spec.labels.begin(), spec.labels.end());
  return proto;
}

Sweep FromProto(const v1::Sweep& proto) {
  Sweep sweep;
  sweep.id = Bare(proto.name(), "sweeps/");
  sweep.spec = SpecFromProto(proto.spec());
  sweep.state = FromProto(proto.state());
  sweep.progress = FromProto(proto.progress());
  sweep.counts = CountsFromProto(proto.counts());
  for (const v1::SweepCell& cell : proto.cells()) sweep.cells.push_back(CellFromProto(cell));
  if (proto.has_create_time()) sweep.create_time = FromProto(proto.create_time());
  if (proto.has_start_time()) sweep.start_time = FromProto(proto.start_time());
  if (proto.has_end_time()) sweep.end_time = FromProto(proto.end_time());
  return sweep;
}

}  // namespace headscope::client
