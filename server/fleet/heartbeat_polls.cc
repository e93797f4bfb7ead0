#include "server/fleet/heartbeat_polls.h"

namespace headscope::server {
namespace {

constexpr int kPollsOfASession = 4;

}  // namespace

std::uint64_t HeartbeatPolls::Park(const SessionRef& session, Answer answer) {
  Answer oldest;
  std::uint64_t poll = 0;
  {
    absl::MutexLock lock(&mutex_);
    int count = 0;
    auto first = parked_.end();
    for (auto it = parked_.begin(); it != parked_.end(); ++it) {
      if (it->second.session.session != session.session) continue;
      if (++count == 1) first = it;
    }
    if (count >= kPollsOfASession) {
      oldest = std::move(first->second.answer);
      parked_.erase(first);
    }
    poll = ++last_poll_;
    parked_.emplace(poll, Parked{session, std::move(answer)});
  }
  if (oldest) oldest(HeartbeatNews{});
  return poll;
}

void HeartbeatPolls::Timeout(std::uint64_t poll) {
  Answer answer;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = parked_.find(poll);
    if (found == parked_.end()) return;
    answer = std::move(found->second.answer);
    parked_.erase(found);
  }
  answer(HeartbeatNews{});
}

std::vector<HeartbeatPolls::Answer> HeartbeatPolls::Take(const SessionRef& session) {
  absl::MutexLock lock(&mutex_);
  std::vector<Answer> answers;
  for (auto it = parked_.begin(); it != parked_.end();) {
    if (it->second.session.session == session.session) {
      answers.push_back(std::move(it->second.answer));
      it = parked_.erase(it);
    } else {
      ++it;
    }
  }
  return answers;
}

void HeartbeatPolls::Tell(const SessionRef& session, const HeartbeatNews& news) {
  for (const Answer& answer : Take(session)) answer(news);
}

void HeartbeatPolls::End(const SessionRef& session, const absl::Status& status) {
  for (const Answer& answer : Take(session)) answer(status);
}

}  // namespace headscope::server
