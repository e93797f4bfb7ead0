#include "server/metrics/exposer.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "prometheus/exposer.h"
#include "prometheus/registry.h"
#include "server/metrics/process_metrics.h"

namespace headscope::server {

struct MetricsExposer::Listener {
  explicit Listener(const std::string& address) : exposer(address, /*num_threads=*/2) {}

  std::shared_ptr<ProcessMetrics> process = std::make_shared<ProcessMetrics>();
  prometheus::Exposer exposer;
};

absl::StatusOr<std::unique_ptr<MetricsExposer>> MetricsExposer::Start(const HostPort& address, const Metrics& metrics) {
  // The library's HTTP server listens on IPv4 only and throws when it cannot.
  const HostPort bound{address.host == "localhost" ? "127.0.0.1" : address.host, address.port};
  try {
    auto listener = std::make_unique<Listener>(bound.ToString());
    listener->exposer.RegisterCollectable(metrics.registry());
    listener->exposer.RegisterCollectable(listener->process);
    const std::vector<int> ports = listener->exposer.GetListeningPorts();
    HostPort real = bound;
    if (!ports.empty()) real.port = static_cast<std::uint16_t>(ports.front());
    return std::unique_ptr<MetricsExposer>(new MetricsExposer(real, std::move(listener)));
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address.ToString(), " for metrics"));
  }
}

MetricsExposer::MetricsExposer(HostPort address, std::unique_ptr<Listener> listener)
    : address_(std::move(address)), listener_(std::move(listener)) {}

MetricsExposer::~MetricsExposer() = default;

}  // namespace headscope::server
