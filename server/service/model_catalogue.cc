#include "server/service/model_catalogue.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/error.h"
#include "proto/support/model_order.h"
#include "proto/support/sha256.h"

namespace headscope::server {
namespace {

constexpr std::size_t kNearNames = 3;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Levenshtein's distance, in bytes.
std::size_t Distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

absl::Status UnknownModel(const CatalogueRows& rows, const std::string& model) {
  std::set<std::string> names;
  for (const auto& [worker, entry] : rows) names.insert(entry.model);
  std::set<std::pair<std::size_t, std::string>> nearest;
  for (const std::string& name : names) {
    const std::size_t distance = Distance(model, name);
    // Half of the name is another: no slip of the fingers.
    if (distance > std::max<std::size_t>(2, model.size() / 2)) continue;
    nearest.emplace(distance, name);
    if (nearest.size() > kNearNames) nearest.erase(std::prev(nearest.end()));
  }
  std::string message = absl::StrCat("no worker has the model ", model);
  if (names.empty()) {
    absl::StrAppend(&message, "; the connected workers have found no model at all beneath their --model-root");
  } else if (nearest.empty()) {
    absl::StrAppend(&message, "; none of the ", names.size(), " there are has a name like it: ListModels names them");
  } else {
    absl::StrAppend(&message, "; near names: ", absl::StrJoin(nearest, ", ", [](std::string* out, const auto& near) {
      out->append(near.second);
    }));
  }
  return MakeError(absl::StatusCode::kNotFound, std::move(message), "MODEL_NOT_FOUND");
}

absl::StatusOr<std::vector<const CatalogueEntry*>> EntriesOf(const CatalogueRows& rows, const std::string& model) {
  std::vector<const CatalogueEntry*> entries;
  for (const auto& [worker, entry] : rows) {
    if (entry.model == model) entries.push_back(&entry);
  }
  if (entries.empty()) return UnknownModel(rows, model);
  return entries;
}

// Which of two entries of one name is shown: larger is better.
int Rank(const CatalogueEntry& entry, bool connected) {
  return (connected ? 4 : 0) + (entry.unsupported.empty() ? 2 : 0) + (entry.digest.empty() ? 0 : 1);
}

}  // namespace

std::vector<ModelView> MergeCatalogue(const CatalogueRows& rows, const std::vector<WorkerView>& connected) {
  std::map<std::string, std::pair<int, CatalogueEntry>, ListingOrder> best;
  for (const auto& [worker, entry] : rows) {
    const bool is_connected = std::any_of(connected.begin(), connected.end(),
                                          [&, &id = worker](const WorkerView& view) { return view.worker_id == id; });
    const int rank = Rank(entry, is_connected);
    const auto [at, is_new] = best.try_emplace(entry.model, rank, entry);
    if (!is_new && rank > at->second.first) at->second = {rank, entry};
  }
  std::vector<ModelView> models;
  for (auto& [name, ranked] : best) {
    ModelView view{std::move(ranked.second), {}, {}};
    for (const WorkerView& worker : connected) {
      if (Contains(worker.models, name)) view.workers.push_back(worker.worker_id);
      if (Contains(worker.resident_models, name)) view.resident_workers.push_back(worker.worker_id);
    }
    models.push_back(std::move(view));
  }
  return models;
}

absl::Status CheckAnyWorkerSeen(const CatalogueRows& rows, const std::vector<WorkerView>& connected) {
  if (!rows.empty() || !connected.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnavailable, "no worker has connected to this server yet, so no model is known",
                   ErrorDetails{"NO_WORKER", {}, absl::Seconds(1)});
}

absl::StatusOr<ModelView> FindModel(const CatalogueRows& rows, const std::vector<WorkerView>& connected,
                                    const std::string& model) {
  CatalogueRows of_model;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(of_model),
               [&](const auto& row) { return row.second.model == model; });
  if (of_model.empty()) return UnknownModel(rows, model);
  return MergeCatalogue(of_model, connected).front();
}

absl::StatusOr<std::string> ResolveModel(const CatalogueRows& rows, const std::string& model,
                                         const std::string& wanted_digest) {
  const auto entries = EntriesOf(rows, model);
  if (!entries.ok()) return entries.status();
  std::set<std::string> digests;
  const CatalogueEntry* supported = nullptr;
  bool unhashed = false;
  for (const CatalogueEntry* entry : *entries) {
    if (!entry->unsupported.empty()) continue;
    supported = entry;
    if (entry->digest.empty())
      unhashed = true;
    else
      digests.insert(entry->digest);
  }
  if (supported == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("the model ", model, " is not supported: ", entries->front()->unsupported),
                     "MODEL_UNSUPPORTED");
  }
  if (wanted_digest.empty()) return digests.size() == 1 ? *digests.begin() : std::string();
  if (digests.contains(wanted_digest) || unhashed) return wanted_digest;
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the model ", model, " has the digest sha256:", ToHex(*digests.begin()),
                   ", wanted was sha256:", ToHex(wanted_digest), "; submit without model_digest to take it as it is"),
      "MODEL_CHANGED");
}

absl::Status CheckTokenizer(const CatalogueRows& rows, const std::string& model) {
  const auto entries = EntriesOf(rows, model);
  if (!entries.ok()) return entries.status();
  std::string unsupported;
  for (const CatalogueEntry* entry : *entries) {
    if (!entry->tokenizer_unsupported.empty())
      unsupported = entry->tokenizer_unsupported;
    else if (entry->has_tokenizer)
      return absl::OkStatus();
  }
  if (!unsupported.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("the tokenizer of ", model, " is not supported: ", unsupported),
                     "TOKENIZER_UNSUPPORTED");
  }
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("the model ", model, " has no tokenizer; it takes token ids only"), "NO_TOKENIZER");
}

}  // namespace headscope::server
