// A metric family whose label sets are made once and then found again without asking the registry.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace headscope::server {

// Thread-safe. T is prometheus::Counter, Gauge or Histogram.
template <typename T>
class Labelled {
 public:
  using Values = std::vector<std::string>;

  // `labels` are the names whose values At() takes, in order. `registry` outlives this.
  Labelled(prometheus::Registry& registry, const std::string& name, const std::string& help,
           std::vector<std::string> labels, std::vector<double> buckets = {})
      : labels_(std::move(labels)),
        buckets_(std::move(buckets)),
        family_(prometheus::detail::Builder<T>().Name(name).Help(help).Register(registry)) {}

  T& At(const Values& values) {
    absl::MutexLock lock(&mutex_);
    T*& metric = metrics_[values];
    if (metric == nullptr) metric = &Add(values);
    return *metric;
  }

  // Gauges only: these are all values there are; what is absent reads 0.
  void Replace(const std::map<Values, double>& values) {
    for (const auto& [labels, value] : values) At(labels).Set(value);
    absl::MutexLock lock(&mutex_);
    for (auto& [labels, metric] : metrics_) {
      if (values.count(labels) == 0) metric->Set(0);
    }
  }

 private:
  T& Add(const Values& values) {
    prometheus::Labels labels;
    for (std::size_t i = 0; i < labels_.size(); ++i) labels[labels_[i]] = values[i];
    if constexpr (std::is_same_v<T, prometheus::Histogram>) {
      return family_.Add(labels, buckets_);
    } else {
      return family_.Add(labels);
    }
  }

  const std::vector<std::string> labels_;
  const std::vector<double> buckets_;
  prometheus::Family<T>& family_;

  absl::Mutex mutex_;
  std::map<Values, T*> metrics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
