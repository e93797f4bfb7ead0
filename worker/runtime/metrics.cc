#include "worker/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "worker/runtime/memory_budget.h"

namespace headscope::worker {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                              2.5,   5,      10,    25,   50,    100,  250, 500,  1000};
const Histogram::BucketBoundaries kSamples = {1, 2, 5, 10, 20, 50, 100, 200, 500};

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kFetch:
      return "fetch";
    case Stage::kTokenise:
      return "tokenise";
    case Stage::kLoad:
      return "load";
    case Stage::kScore:
      return "score";
    case Stage::kUpload:
      return "upload";
  }
  return "other";
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;

  Family<Counter>& MakeCounter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& MakeGauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& MakeHistogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  Family<Gauge>& build_info = MakeGauge("headscope_worker_build_info", "Versions of this worker; always 1.");
  Family<Histogram>& stage_seconds = MakeHistogram("headscope_worker_stage_seconds", "Time in each stage of a shard.");
  Family<Counter>& tokens = MakeCounter("headscope_worker_tokens_total", "Tokens scored, without padding.");
  Family<Counter>& padded =
      MakeCounter("headscope_worker_padded_tokens_total", "Padding run beside the tokens scored.");
  Family<Counter>& batches = MakeCounter("headscope_worker_batches_total", "Batches run.");
  Histogram& batch_size = MakeHistogram("headscope_worker_batch_size", "Samples in a batch.").Add({}, kSamples);
  Family<Histogram>& load_seconds = MakeHistogram("headscope_model_load_seconds", "Time to load a model.");
  Family<Gauge>& resident_bytes = MakeGauge("headscope_model_resident_bytes", "Memory that a loaded model takes.");
  Family<Counter>& evictions = MakeCounter("headscope_model_evictions_total", "Models unloaded, by reason.");
  Counter& out_of_memory = MakeCounter("headscope_worker_oom_total", "Batches that ran out of memory.").Add({});
  Family<Counter>& shards = MakeCounter("headscope_worker_shards_total", "Shards ended, by phase and outcome.");
  Counter& sessions = MakeCounter("headscope_worker_sessions_total", "Sessions opened.").Add({});
  Gauge& connected = MakeGauge("headscope_worker_connected", "1 while the server answers.").Add({});
  Gauge& process_memory = MakeGauge("process_resident_memory_bytes", "Resident memory of this process.").Add({});
  Gauge& process_start = MakeGauge("process_start_time_seconds", "Start of this process since the Unix epoch.").Add({});

  absl::Mutex mutex;
  std::map<std::string, Gauge*> resident ABSL_GUARDED_BY(mutex);
};

Metrics::Metrics(const std::string& version, const std::string& torch_version, const std::string& device)
    : families_(std::make_unique<Families>()) {
  families_->build_info.Add({{"version", version}, {"libtorch", torch_version}, {"device", device}}).Set(1);
  families_->process_start.Set(static_cast<double>(absl::ToUnixSeconds(absl::Now())));
}

Metrics::~Metrics() = default;

void Metrics::ObserveStage(Stage stage, double seconds) {
  families_->stage_seconds.Add({{"stage", StageName(stage)}}, kSeconds).Observe(seconds);
}

void Metrics::ObserveBatch(const std::string& model, std::uint64_t tokens, std::uint64_t padded_tokens,
                           std::uint64_t samples) {
  families_->tokens.Add({{"model", model}}).Increment(static_cast<double>(tokens));
  families_->padded.Add({{"model", model}}).Increment(static_cast<double>(padded_tokens));
  families_->batches.Add({{"model", model}}).Increment();
  families_->batch_size.Observe(static_cast<double>(samples));
}

void Metrics::ModelLoaded(bool ok, double seconds) {
  families_->load_seconds.Add({{"outcome", ok ? "ok" : "error"}}, kSeconds).Observe(seconds);
}

void Metrics::ModelEvicted(const std::string& reason) { families_->evictions.Add({{"reason", reason}}).Increment(); }

void Metrics::SetResident(const std::map<std::string, std::int64_t>& bytes) {
  absl::MutexLock lock(&families_->mutex);
  for (auto item = families_->resident.begin(); item != families_->resident.end();) {
    if (bytes.contains(item->first)) {
      ++item;
      continue;
    }
    families_->resident_bytes.Remove(item->second);
    item = families_->resident.erase(item);
  }
  for (const auto& [model, size] : bytes) {
    Gauge*& gauge = families_->resident[model];
    if (gauge == nullptr) gauge = &families_->resident_bytes.Add({{"model", model}});
    gauge->Set(static_cast<double>(size));
  }
}

void Metrics::OutOfMemory() { families_->out_of_memory.Increment(); }

void Metrics::ShardEnded(const std::string& phase, const std::string& outcome) {
  families_->shards.Add({{"phase", phase}, {"outcome", outcome}}).Increment();
}

void Metrics::SessionOpened() { families_->sessions.Increment(); }

void Metrics::SetConnected(bool connected) { families_->connected.Set(connected ? 1 : 0); }

std::string Metrics::Text() const {
  families_->process_memory.Set(static_cast<double>(ResidentSetBytes()));
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace headscope::worker
