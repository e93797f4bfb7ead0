#include "worker/runtime/model_cache.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "worker/runtime/memory_budget.h"

namespace headscope::worker {
namespace {

std::int64_t BytesOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return 4;
    case DType::kFloat64:
      return 8;
    case DType::kBFloat16:
      return 2;
  }
  return 8;
}

// Without the base of an adapter.
std::int64_t EstimateBytes(const ModelEntry& entry, DType dtype) {
  const std::uint64_t parameters = entry.adapter.has_value() ? entry.adapter->parameters : entry.parameters;
  return static_cast<std::int64_t>(parameters) * BytesOf(dtype);
}

// The entry of an adapter's base, as far as loading goes.
ModelEntry BaseOf(const AdapterEntry& adapter) {
  ModelEntry base;
  base.name = adapter.base;
  base.directory = adapter.base_directory;
  base.digest = adapter.base_digest;
  base.parameters = adapter.base_parameters;
  return base;
}

absl::Status TooLarge(const std::string& name, DType dtype, std::int64_t bytes, std::int64_t budget) {
  return MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("model \"", name, "\" needs ", FormatBytes(bytes), " in ", DTypeName(dtype),
                   " and this worker's models may take ", FormatBytes(budget), "; raise the worker's --memory-budget"),
      "MODEL_TOO_LARGE");
}

}  // namespace

std::int64_t ModelCache::Item::Bytes() const {
  std::int64_t bytes = model->resident_bytes();
  for (const auto& [kind, engine] : idle_engines) bytes += engine->held_bytes();
  return bytes;
}

absl::Status ModelCache::CheckFits(const ModelEntry& model, DType dtype) const {
  const std::int64_t bytes = static_cast<std::int64_t>(model.parameters) * BytesOf(dtype);
  if (bytes <= options_.budget_bytes) return absl::OkStatus();
  return TooLarge(model.name, dtype, bytes, options_.budget_bytes);
}

std::ptrdiff_t ModelCache::Adapters(const Items& items, const Item& item) {
  return std::count_if(items.begin(), items.end(),
                       [&](const Item& other) { return other.model->base() == item.model; });
}

bool ModelCache::IsHeld(const Items& items, const Items& leaving, const Item& item) {
  const auto engines = static_cast<std::ptrdiff_t>(item.idle_engines.size());
  return item.model.use_count() > 1 + engines + Adapters(items, item) + Adapters(leaving, item);
}

bool ModelCache::IsPinned(const Items& items, const Item& item) {
  if (IsHeld(items, {}, item)) return true;
  return std::any_of(items.begin(), items.end(),
                     [&](const Item& other) { return other.model->base() == item.model && IsHeld(items, {}, other); });
}

const ModelCache::Item* ModelCache::TakeUnused(Items& items, Items& leaving) {
  for (auto item = items.end(); item != items.begin();) {
    --item;
    if (IsHeld(items, leaving, *item) || Adapters(items, *item) > 0) continue;
    leaving.splice(leaving.end(), items, item);
    return &leaving.back();
  }
  return nullptr;
}

std::shared_ptr<const Model> ModelCache::Find(const std::string& digest, DType dtype) {
  absl::MutexLock lock(&mutex_);
  for (auto item = items_.begin(); item != items_.end(); ++item) {
    if (item->digest != digest || item->dtype != dtype) continue;
    items_.splice(items_.begin(), items_, item);
    return item->model;
  }
  return nullptr;
}

bool ModelCache::MakeRoom(std::int64_t bytes, const std::string& reason) {
  // Freed after the lock is released.
  Items evicted;
  bool fits = false;
  {
    absl::MutexLock lock(&mutex_);
    std::int64_t used = 0;
    for (const Item& item : items_) used += item.Bytes();
    while (used + bytes > options_.budget_bytes) {
      const Item* unused = TakeUnused(items_, evicted);
      if (unused == nullptr) break;
      used -= unused->Bytes();
    }
    fits = used + bytes <= options_.budget_bytes;
  }
  for (const Item& item : evicted) {
    metrics_.ModelEvicted(reason);
    Log(LogLevel::kInfo, "model unloaded", {{"model", item.name}, {"reason", reason}});
  }
  return fits;
}

void ModelCache::EvictUnused() {
  MakeRoom(options_.budget_bytes, "memory");
  Report();
}

void ModelCache::Drop(const Model& model) {
  std::list<Item> dropped;
  {
    absl::MutexLock lock(&mutex_);
    for (auto item = items_.begin(); item != items_.end();) {
      const auto next = std::next(item);
      const Model* const held = item->model.get();
      if (held == &model || held == model.base().get()) dropped.splice(dropped.end(), items_, item);
      item = next;
    }
  }
  dropped.clear();
  Report();
}

void ModelCache::KeepEngine(const Model& model, EngineKind kind, std::unique_ptr<Engine> engine) {
  {
    absl::MutexLock lock(&mutex_);
    for (Item& item : items_) {
      if (item.model.get() == &model) item.idle_engines[kind].swap(engine);
    }
  }
  MakeRoom(0, "budget");
  Report();
}

std::unique_ptr<Engine> ModelCache::TakeEngine(const Model& model, EngineKind kind) {
  absl::MutexLock lock(&mutex_);
  for (Item& item : items_) {
    if (item.model.get() != &model) continue;
    auto engine = item.idle_engines.extract(kind);
    return engine.empty() ? nullptr : std::move(engine.mapped());
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<const Model>> ModelCache::Load(const ModelEntry& entry, DType dtype,
                                                              const std::shared_ptr<const Model>& base) {
  const LoadOptions options = {.dtype = dtype, .device = options_.device, .root = options_.root};
  const absl::Time start = absl::Now();
  const auto load = [&] {
    return base == nullptr ? Model::Load(entry.directory, options) : Model::LoadAdapter(entry.directory, base);
  };
  absl::StatusOr<std::shared_ptr<const Model>> model = load();
  if (absl::IsResourceExhausted(model.status())) {
    EvictUnused();
    model = load();
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  metrics_.ModelLoaded(model.ok(), seconds);
  if (!model.ok()) return model.status();
  Log(LogLevel::kInfo, "model loaded",
      {{"model", entry.name},
       {"dtype", DTypeName(dtype)},
       {"bytes", (*model)->resident_bytes()},
       {"seconds", seconds}});
  return model;
}

absl::StatusOr<std::shared_ptr<const Model>> ModelCache::Get(const ModelEntry& model, DType dtype) {
  if (std::shared_ptr<const Model> found = Find(model.digest, dtype); found != nullptr) return found;
  const absl::Status fits = CheckFits(model, dtype);
  if (!fits.ok()) return fits;
  std::shared_ptr<const Model> base;
  if (model.adapter.has_value()) {
    absl::StatusOr<std::shared_ptr<const Model>> got = Get(BaseOf(*model.adapter), dtype);
    if (!got.ok()) return got.status();
    base = *std::move(got);
  }
  if (!MakeRoom(EstimateBytes(model, dtype), "budget")) {
    return absl::ResourceExhaustedError(absl::StrCat("no room for model \"", model.name,
                                                     "\": ", FormatBytes(EstimateBytes(model, dtype)), " are needed, ",
                                                     FormatBytes(FreeBytes()), " are not held by work in progress"));
  }
  absl::StatusOr<std::shared_ptr<const Model>> loaded = Load(model, dtype, base);
  if (!loaded.ok()) return loaded.status();
  // What was measured counts, not what was expected.
  const std::int64_t bytes = (*loaded)->resident_bytes();
  if (bytes > options_.budget_bytes) return TooLarge(model.name, dtype, bytes, options_.budget_bytes);
  MakeRoom(bytes, "budget");
  {
    absl::MutexLock lock(&mutex_);
    items_.push_front({model.name, model.digest, dtype, *loaded, {}});
  }
  Report();
  return loaded;
}

std::vector<ResidentModel> ModelCache::Resident() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ResidentModel> resident;
  for (const Item& item : items_) resident.push_back({item.name, item.digest, item.Bytes()});
  return resident;
}

std::int64_t ModelCache::FreeBytes() const {
  absl::MutexLock lock(&mutex_);
  std::int64_t free = options_.budget_bytes;
  for (const Item& item : items_) {
    if (IsPinned(items_, item)) free -= item.Bytes();
  }
  return free;
}

void ModelCache::Report() {
  std::map<std::string, std::int64_t> bytes;
  for (const ResidentModel& model : Resident()) bytes[model.name] += model.bytes;
  metrics_.SetResident(bytes);
}

}  // namespace headscope::worker
