#include "server/fleet/sessions.h"

#include <utility>

namespace headscope::server {
namespace {

bool Same(const SessionRef& a, const SessionRef& b) { return a.session == b.session && a.epoch == b.epoch; }

// "" for a model that there is not.
std::string DigestIn(const ModelMap& models, const std::string& model) {
  const auto found = models.find(model);
  return found == models.end() ? "" : found->second.digest;
}

}  // namespace

const CatalogueEntry* ConnectedWorker::Model(const std::string& name) const {
  const auto found = models->find(name);
  return found == models->end() ? nullptr : &found->second;
}

bool ConnectedWorker::IsUnfit(const std::string& model, const std::string& digest, absl::Time now) const {
  const auto mark = unfit.find({model, digest});
  return mark != unfit.end() && now < mark->second.until;
}

bool ConnectedWorker::CanServe(const std::string& model, const std::string& digest, absl::Time now) const {
  const CatalogueEntry* const entry = Model(model);
  if (entry == nullptr || !entry->unsupported.empty()) return false;
  if (!digest.empty() && !entry->digest.empty() && entry->digest != digest) return false;
  return !IsUnfit(model, digest, now);
}

WorkerOffer ConnectedWorker::Offer(absl::Time now) const {
  WorkerOffer offer;
  offer.resident = resident;
  for (const auto& [content, mark] : unfit) {
    if (now < mark.until) offer.unfit.insert(content);
  }
  for (const auto& [name, entry] : *models) {
    if (entry.unsupported.empty()) offer.catalogue.emplace(name, entry.digest);
  }
  return offer;
}

std::shared_ptr<const ModelMap> ModelsByName(const std::vector<CatalogueEntry>& entries) {
  auto models = std::make_shared<ModelMap>();
  for (const CatalogueEntry& entry : entries) models->emplace(entry.model, entry);
  return models;
}

ConnectedWorker* Sessions::Lookup(const SessionRef& session) {
  for (auto& [id, worker] : workers_) {
    if (Same(worker.session, session)) return &worker;
  }
  return nullptr;
}

void Sessions::Open(ConnectedWorker worker) {
  absl::MutexLock lock(&mutex_);
  const std::string id = worker.description.worker_id;
  workers_.insert_or_assign(id, std::move(worker));
}

void Sessions::Remove(const SessionRef& session) {
  absl::MutexLock lock(&mutex_);
  for (auto it = workers_.begin(); it != workers_.end(); ++it) {
    if (!Same(it->second.session, session)) continue;
    workers_.erase(it);
    return;
  }
}

void Sessions::SetModels(const SessionRef& session, std::shared_ptr<const ModelMap> models) {
  absl::MutexLock lock(&mutex_);
  ConnectedWorker* const worker = Lookup(session);
  if (worker == nullptr) return;
  std::erase_if(worker->unfit,
                [&](const auto& mark) { return DigestIn(*models, mark.first.first) != mark.second.told; });
  worker->models = std::move(models);
}

void Sessions::MarkUnfit(const SessionRef& session, const std::string& model, const std::string& digest,
                         absl::Time until) {
  absl::MutexLock lock(&mutex_);
  ConnectedWorker* const worker = Lookup(session);
  if (worker != nullptr) worker->unfit[{model, digest}] = {DigestIn(*worker->models, model), until};
}

void Sessions::Heard(const SessionRef& session, std::set<std::string> resident, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  ConnectedWorker* worker = Lookup(session);
  if (worker == nullptr) return;
  worker->resident = std::move(resident);
  worker->last_heard = now;
}

bool Sessions::TellDrain(const SessionRef& session) {
  absl::MutexLock lock(&mutex_);
  ConnectedWorker* worker = Lookup(session);
  return worker != nullptr && !std::exchange(worker->drain_told, true);
}

std::optional<ConnectedWorker> Sessions::Find(const SessionRef& session) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, worker] : workers_) {
    if (Same(worker.session, session)) return worker;
  }
  return std::nullopt;
}

std::optional<SessionRef> Sessions::OfWorker(const std::string& worker_id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = workers_.find(worker_id);
  if (found == workers_.end()) return std::nullopt;
  return found->second.session;
}

std::vector<ConnectedWorker> Sessions::All() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ConnectedWorker> all;
  for (const auto& [id, worker] : workers_) all.push_back(worker);
  return all;
}

}  // namespace headscope::server
