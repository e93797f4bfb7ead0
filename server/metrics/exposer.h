// The HTTP listener that Prometheus scrapes.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "proto/support/flags.h"
#include "server/metrics/metrics.h"

namespace prometheus {
class Collectable;
}

namespace headscope::server {

// Serves GET /metrics from construction to destruction. Thread-compatible.
class MetricsExposer {
 public:
  // Port 0 picks a free one. UNAVAILABLE when the address cannot be listened on (a port in use, an IPv6 address).
  // `metrics` outlives the exposer.
  static absl::StatusOr<std::unique_ptr<MetricsExposer>> Start(const HostPort& address, const Metrics& metrics);
  ~MetricsExposer();

  // With the real port.
  const HostPort& address() const { return address_; }

 private:
  struct Listener;
  MetricsExposer(HostPort address, std::unique_ptr<Listener> listener);

  HostPort address_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace headscope::server
