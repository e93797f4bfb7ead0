#include "server/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace headscope::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily One(const char* name, const char* help, MetricType type, double value) {
  prometheus::ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return MetricFamily{name, help, type, {metric}};
}

// Fields of /proc/self/stat from the third on: the second is a name that may hold spaces.
std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  const std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t end_of_name = line.rfind(')');
  if (end_of_name == std::string::npos) return {};
  std::istringstream words(line.substr(end_of_name + 1));
  return {std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
}

double BootTimeSeconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

double Number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

}  // namespace

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  std::vector<MetricFamily> families;
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(One(name, help, MetricType::Gauge, value));
  };
  // Numbered as in proc(5), less the first two fields.
  const std::vector<std::string> stat = StatFields();
  if (stat.size() > 21) {
    const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    families.push_back(One("process_cpu_seconds_total", "Processor time used.", MetricType::Counter,
                           (Number(stat[11]) + Number(stat[12])) / ticks));
    gauge("process_threads", "Threads.", Number(stat[17]));
    gauge("process_start_time_seconds", "Start of the process, Unix time.",
          BootTimeSeconds() + Number(stat[19]) / ticks);
    gauge("process_virtual_memory_bytes", "Virtual memory.", Number(stat[20]));
    gauge("process_resident_memory_bytes", "Resident memory.",
          Number(stat[21]) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  if (!error) {
    gauge("process_open_fds", "Open file descriptors.",
          static_cast<double>(std::distance(begin(descriptors), end(descriptors))));
  }
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    gauge("process_max_fds", "File descriptors allowed.", static_cast<double>(limit.rlim_cur));
  }
  return families;
}

}  // namespace headscope::server
