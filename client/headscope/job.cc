#include "client/headscope/job.h"

#include <array>
#include <utility>

namespace headscope::client {
namespace {

constexpr std::array<std::pair<JobState, const char*>, 7> kStates = {{{JobState::kQueued, "QUEUED"},
                                                                      {JobState::kPreparing, "PREPARING"},
                                                                      {JobState::kRunning, "RUNNING"},
                                                                      {JobState::kSucceeded, "SUCCEEDED"},
                                                                      {JobState::kFailed, "FAILED"},
                                                                      {JobState::kCancelled, "CANCELLED"},
                                                                      {JobState::kExpired, "EXPIRED"}}};

}  // namespace

std::string NameOf(JobState state) {
  for (const auto& [candidate, name] : kStates) {
    if (candidate == state) return name;
  }
  return "UNKNOWN";
}

std::optional<JobState> JobStateFromName(const std::string& name) {
  for (const auto& [state, candidate] : kStates) {
    if (candidate == name) return state;
  }
  return std::nullopt;
}

bool HasEnded(JobState state) {
  switch (state) {
    case JobState::kSucceeded:
    case JobState::kFailed:
    case JobState::kCancelled:
    case JobState::kExpired:
      return true;
    case JobState::kUnspecified:
    case JobState::kQueued:
    case JobState::kPreparing:
    case JobState::kRunning:
      return false;
  }
  return false;
}

}  // namespace headscope::client
