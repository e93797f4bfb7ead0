// Models in memory, within a budget.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "worker/model/engine.h"
#include "worker/model/model.h"
#include "worker/runtime/metrics.h"
#include "worker/runtime/model_entry.h"

namespace headscope::worker {

struct ModelCacheOptions {
  // Of all resident models together, in bytes.
  std::int64_t budget_bytes = 0;
  // "cpu" or "cuda:N".
  std::string device = "cpu";
  // Model files are opened beneath it.
  std::string root;
};

struct ResidentModel {
  std::string name;
  std::string digest;
  std::int64_t bytes = 0;
};

// Loads models when asked for and keeps them as long as the budget allows. Whoever holds a pointer has the model
// pinned; of the others the least recently used one goes first. Adapters of one base share it: it is kept, and counted,
// once, under its own name, and stays as long as one of them does. Get is called on the device thread only; the rest is
// thread-safe.
class ModelCache {
 public:
  // `metrics` outlives the cache.
  ModelCache(ModelCacheOptions options, Metrics& metrics) : options_(std::move(options)), metrics_(metrics) {}

  // `model` is complete (ModelCatalogue::Resolve). Errors: RESOURCE_EXHAUSTED when it does not fit, with reason
  // MODEL_TOO_LARGE when it never will; those of Model::Load.
  absl::StatusOr<std::shared_ptr<const Model>> Get(const ModelEntry& model, DType dtype);
  // Unloads every model that nobody holds.
  void EvictUnused();

  // Forgets `model` and the base that it shares: their files were not what was asked for. Holders keep them. Device
  // thread only.
  void Drop(const Model& model);

  // Engines outlive their shards, with what they prepared and their buffers: KeepEngine puts one beside its model,
  // where it goes when the model goes; TakeEngine hands it out again, or null when there is none. Device thread only.
  void KeepEngine(const Model& model, EngineKind kind, std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> TakeEngine(const Model& model, EngineKind kind);

  std::vector<ResidentModel> Resident() const;
  // What of the budget is not taken by models that somebody holds.
  std::int64_t FreeBytes() const;
  // OK when `model` fits into the whole budget; RESOURCE_EXHAUSTED / MODEL_TOO_LARGE with both numbers otherwise.
  absl::Status CheckFits(const ModelEntry& model, DType dtype) const;

 private:
  struct Item {
    std::string name;
    std::string digest;
    DType dtype;
    std::shared_ptr<const Model> model;
    // Not at work; each has a pointer to the model of its own.
    std::map<EngineKind, std::unique_ptr<Engine>> idle_engines;

    std::int64_t Bytes() const;
  };
  using Items = std::list<Item>;

  // Adapters in `items` that `item` is the base of.
  static std::ptrdiff_t Adapters(const Items& items, const Item& item);
  // Whether somebody outside of `items` holds it; `leaving` are items no longer there whose models still are.
  static bool IsHeld(const Items& items, const Items& leaving, const Item& item);
  // Whether it or an adapter of it is held.
  static bool IsPinned(const Items& items, const Item& item);
  // Takes the least recently used item that nobody needs out of `items` to `leaving`; null when there is none.
  static const Item* TakeUnused(Items& items, Items& leaving);

  std::shared_ptr<const Model> Find(const std::string& digest, DType dtype);
  // Unloads models that nobody holds, the least recently used first, until `bytes` more fit. False when they never do.
  bool MakeRoom(std::int64_t bytes, const std::string& reason);
  // `base` is null but for an adapter.
  absl::StatusOr<std::shared_ptr<const Model>> Load(const ModelEntry& entry, DType dtype,
                                                    const std::shared_ptr<const Model>& base);
  void Report();

  const ModelCacheOptions options_;
  Metrics& metrics_;
  mutable absl::Mutex mutex_;
  // Most recently used first.
  Items items_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::worker
