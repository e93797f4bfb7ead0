// What workers say they have, put together by model.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job.h"

namespace headscope::server {

// Worker id and entry, as JobStore::Catalogue returns them.
using CatalogueRows = std::vector<std::pair<std::string, CatalogueEntry>>;

// A model as it is shown.
struct ModelView {
  CatalogueEntry entry;
  // Connected workers that have it, and those that have it in memory.
  std::vector<std::string> workers;
  std::vector<std::string> resident_workers;
};

// All models in the order of ListedBefore. Where workers disagree, the word of a connected one that can run the model
// counts.
std::vector<ModelView> MergeCatalogue(const CatalogueRows& rows, const std::vector<WorkerView>& connected);

// UNAVAILABLE / NO_WORKER with a RetryInfo while no worker has ever connected: which models there are is not known yet.
absl::Status CheckAnyWorkerSeen(const CatalogueRows& rows, const std::vector<WorkerView>& connected);

// NOT_FOUND / MODEL_NOT_FOUND, naming the nearest names known.
absl::StatusOr<ModelView> FindModel(const CatalogueRows& rows, const std::vector<WorkerView>& connected,
                                    const std::string& model);

// Whether a job on `model` can be taken, and on which content: `wanted_digest` where it is set, else the one digest on
// which all workers agree, else none yet (empty). NOT_FOUND / MODEL_NOT_FOUND, FAILED_PRECONDITION / MODEL_UNSUPPORTED
// (says why), FAILED_PRECONDITION / MODEL_CHANGED where only other contents are known.
absl::StatusOr<std::string> ResolveModel(const CatalogueRows& rows, const std::string& model,
                                         const std::string& wanted_digest);

// Whether `model` can tokenise: FAILED_PRECONDITION / NO_TOKENIZER or TOKENIZER_UNSUPPORTED, and as FindModel.
absl::Status CheckTokenizer(const CatalogueRows& rows, const std::string& model);

}  // namespace headscope::server
