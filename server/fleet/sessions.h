// The workers that are connected now, and what they said about themselves.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/scheduler/policy.h"
#include "server/store/job_store.h"

namespace headscope::server {

using ModelMap = std::map<std::string, CatalogueEntry>;

struct ConnectedWorker {
  WorkerDescription description;
  SessionRef session;
  // By model name; never null.
  std::shared_ptr<const ModelMap> models = std::make_shared<const ModelMap>();
  std::set<std::string> resident;
  absl::Time last_heard;
  bool drain_told = false;
  // Contents (model, digest) that it was found not to have, though its catalogue told so.
  struct Unfit {
    // What its catalogue told of the model then; once it tells another, the worker has looked again.
    std::string told;
    absl::Time until;
  };
  std::map<std::pair<std::string, std::string>, Unfit> unfit;

  // The entry of a model, nullptr when the worker has none.
  const CatalogueEntry* Model(const std::string& name) const;
  // It can work on a job of this model; `digest` is empty before the job is pinned.
  bool CanServe(const std::string& model, const std::string& digest, absl::Time now) const;
  bool IsUnfit(const std::string& model, const std::string& digest, absl::Time now) const;
  // What the scheduler may give it, phases left to the caller.
  WorkerOffer Offer(absl::Time now) const;
};

std::shared_ptr<const ModelMap> ModelsByName(const std::vector<CatalogueEntry>& entries);

// Thread-safe. Sessions change on the store's thread only, after the store has.
class Sessions {
 public:
  // Takes the place of whatever session the worker had.
  void Open(ConnectedWorker worker);
  void Remove(const SessionRef& session);
  void SetModels(const SessionRef& session, std::shared_ptr<const ModelMap> models);
  // The worker does not have this content under the model's name, whatever its catalogue told; remembered until the
  // catalogue tells another digest, the session ends, or `until`.
  void MarkUnfit(const SessionRef& session, const std::string& model, const std::string& digest, absl::Time until);
  // A heartbeat arrived.
  void Heard(const SessionRef& session, std::set<std::string> resident, absl::Time now);
  // True the first time: the worker is to be told that the server drains.
  bool TellDrain(const SessionRef& session);

  std::optional<ConnectedWorker> Find(const SessionRef& session) const;
  std::optional<SessionRef> OfWorker(const std::string& worker_id) const;
  std::vector<ConnectedWorker> All() const;

 private:
  ConnectedWorker* Lookup(const SessionRef& session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  // By worker id.
  std::map<std::string, ConnectedWorker> workers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
