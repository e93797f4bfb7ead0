// SubmitSweep's request.
#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "server/service/resource_names.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

void ValidateModels(const v1::SweepSpec& proto, SweepSpec& spec, Violations& violations) {
  Once once;
  for (int i = 0; i < proto.models_size(); ++i) {
    const std::string field = absl::StrCat("spec.models[", i, "]");
    spec.models.push_back(ParseModelName(proto.models(i), field, violations));
    once.Check(spec.models.back(), field, violations);
  }
}

void ValidateDatasets(const v1::SweepSpec& proto, SweepSpec& spec, Violations& violations) {
  Once digests;
  Once tasks;
  for (int i = 0; i < proto.datasets_size(); ++i) {
    const v1::SweepDataset& dataset = proto.datasets(i);
    const std::string field = absl::StrCat("spec.datasets[", i, "]");
    const std::string digest = ParseDatasetName(dataset.dataset(), field + ".dataset", violations);
    digests.Check(digest, field + ".dataset", violations);
    if (dataset.task().empty() || dataset.task().size() > kMaxLabelValueBytes) {
      violations.Add(field + ".task",
                     absl::StrCat("has ", dataset.task().size(), " bytes, 1 to ", kMaxLabelValueBytes, " are needed"));
    } else {
      tasks.Check(dataset.task(), field + ".task", violations);
    }
    spec.datasets.push_back({digest, dataset.task()});
  }
}

void ValidateCellLabels(const v1::SweepSpec& proto, SweepSpec& spec, Violations& violations) {
  ValidateLabels(proto.labels(), "spec.labels", violations);
  constexpr std::size_t kMaxOwnLabels = kMaxLabels - kCellLabels;
  if (proto.labels().size() > kMaxOwnLabels && proto.labels().size() <= kMaxLabels) {
    violations.Add("spec.labels", absl::StrCat("has ", proto.labels().size(), " entries, at most ", kMaxOwnLabels,
                                               " are allowed beside those that the server adds"));
  }
  for (const char* key : {kSweepLabel, kTaskLabel, kCheckpointLabel}) {
    if (!proto.labels().contains(key)) continue;
    violations.Add(absl::StrCat("spec.labels.", key), "is given by the server: each cell has its own");
  }
  spec.common.labels.insert(proto.labels().begin(), proto.labels().end());
}

// What is beyond it is not looked at.
bool CheckSize(const v1::SweepSpec& spec, Violations& violations) {
  if (spec.models().empty()) violations.Add("spec.models", "is empty, a model is needed");
  if (spec.datasets().empty()) violations.Add("spec.datasets", "is empty, a dataset is needed");
  const std::size_t models = static_cast<std::size_t>(spec.models_size());
  const std::size_t datasets = static_cast<std::size_t>(spec.datasets_size());
  if (models * datasets <= kMaxSweepCells && models <= kMaxSweepCells && datasets <= kMaxSweepCells) return true;
  violations.Add("spec", absl::StrCat("has ", models, " models and ", datasets, " datasets, together ",
                                      models * datasets, " cells; at most ", kMaxSweepCells, " are allowed"));
  return false;
}

}  // namespace

NewSweep ValidateSubmit(const v1::SubmitSweepRequest& request, Violations& violations) {
  NewSweep sweep;
  CheckRequestId(request.request_id(), violations);
  sweep.request_id = request.request_id();
  const v1::SweepSpec& proto = request.spec();
  if (!CheckSize(proto, violations)) return sweep;
  ValidateModels(proto, sweep.spec, violations);
  ValidateDatasets(proto, sweep.spec, violations);
  sweep.spec.common.compute = ValidateCompute(proto.compute(), "spec.compute", violations);
  sweep.spec.common.reduction = ValidateReduction(proto.reduction(), "spec.reduction", violations);
  ValidateExecution(proto.execution(), sweep.spec.common, violations);
  ValidateCellLabels(proto, sweep.spec, violations);
  return sweep;
}

}  // namespace headscope::server
