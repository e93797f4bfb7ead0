#include "server/store/failpoint.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace headscope::server {
namespace {

struct Plan {
  std::string name;
  std::uint64_t at = 1;
};

// "<name>:kill" or "<name>:kill:<n>"; anything else plans nothing.
Plan ReadPlan() {
  const char* const variable = std::getenv("HEADSCOPE_FAILPOINT");
  if (variable == nullptr) return {};
  const std::string_view text(variable);
  constexpr std::string_view kAction = ":kill";
  const std::size_t action = text.find(kAction);
  if (action == std::string_view::npos) return {};
  Plan plan{std::string(text.substr(0, action)), 1};
  std::string_view rest = text.substr(action + kAction.size());
  if (rest.empty()) return plan;
  rest.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), plan.at);
  return error == std::errc() && end == rest.data() + rest.size() ? plan : Plan{};
}

}  // namespace

void Failpoint(std::string_view name) {
  static const Plan* const plan = new Plan(ReadPlan());
  static std::atomic<std::uint64_t> reached = 0;
  if (plan->name != name) return;
  if (++reached == plan->at) std::raise(SIGKILL);
}

}  // namespace headscope::server
