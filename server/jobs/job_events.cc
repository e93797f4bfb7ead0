#include "server/jobs/job_events.h"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace headscope::server {
namespace {

constexpr std::size_t kRemembered = 256;

// One subscriber's queue. Events are put in under the lock of JobEvents::State, hence in order; whoever finds nobody
// delivering delivers, without a lock held, so the callback never runs twice at a time.
class Mailbox {
 public:
  explicit Mailbox(JobEvents::Callback callback) : callback_(std::move(callback)) {}

  void Put(const JobEvent& event) {
    absl::MutexLock lock(&mutex_);
    if (!closed_) waiting_.push_back(event);
  }

  void Deliver() {
    mutex_.Lock();
    if (!delivering_) {
      delivering_ = true;
      deliverer_ = std::this_thread::get_id();
      while (!waiting_.empty()) {
        const JobEvent event = std::move(waiting_.front());
        waiting_.pop_front();
        mutex_.Unlock();
        callback_(event);
        mutex_.Lock();
      }
      delivering_ = false;
    }
    mutex_.Unlock();
  }

  // No callback runs after this, unless it is the caller.
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    waiting_.clear();
    if (delivering_ && deliverer_ == std::this_thread::get_id()) return;
    mutex_.Await(absl::Condition(this, &Mailbox::Idle));
  }

 private:
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !delivering_; }

  const JobEvents::Callback callback_;
  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool delivering_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread::id deliverer_ ABSL_GUARDED_BY(mutex_);
  std::deque<JobEvent> waiting_ ABSL_GUARDED_BY(mutex_);
};

// What is remembered of one job.
struct Memory {
  // Everything after this sequence is in `events`.
  std::uint64_t complete_after = 0;
  std::deque<JobEvent> events;
  std::vector<std::shared_ptr<Mailbox>> subscribers;
};

}  // namespace

struct JobEvents::State {
  State(const Clock& clock_in, std::uint32_t boot_number)
      : clock(clock_in), boot(std::uint64_t{boot_number} << 32), last(boot) {}

  Memory& Remember(const std::string& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto [entry, is_new] = jobs.try_emplace(job);
    if (is_new) entry->second.complete_after = last;
    return entry->second;
  }

  void Unsubscribe(const std::string& job, const std::shared_ptr<Mailbox>& mailbox) {
    absl::MutexLock lock(&mutex);
    --watchers;
    const auto entry = jobs.find(job);
    if (entry == jobs.end()) return;
    auto& subscribers = entry->second.subscribers;
    subscribers.erase(std::remove(subscribers.begin(), subscribers.end(), mailbox), subscribers.end());
    if (subscribers.empty() && entry->second.events.empty()) jobs.erase(entry);
  }

  const Clock& clock;
  const std::uint64_t boot;
  mutable absl::Mutex mutex;
  // One counter for all jobs, so that forgetting a job cannot make its numbers fall back.
  std::uint64_t last ABSL_GUARDED_BY(mutex);
  std::size_t watchers ABSL_GUARDED_BY(mutex) = 0;
  absl::flat_hash_map<std::string, Memory> jobs ABSL_GUARDED_BY(mutex);
};

namespace {

template <typename State>
class Subscribed : public JobEvents::Subscription {
 public:
  Subscribed(std::shared_ptr<State> state, std::string job, std::shared_ptr<Mailbox> mailbox)
      : state_(std::move(state)), job_(std::move(job)), mailbox_(std::move(mailbox)) {}
  ~Subscribed() override {
    state_->Unsubscribe(job_, mailbox_);
    mailbox_->Close();
  }

 private:
  const std::shared_ptr<State> state_;
  const std::string job_;
  const std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace

JobEvents::JobEvents(const Clock& clock, std::uint32_t boot_number)
    : state_(std::make_shared<State>(clock, boot_number)) {}
JobEvents::~JobEvents() = default;

std::unique_ptr<JobEvents::Subscription> JobEvents::Subscribe(const std::string& job,
                                                              std::optional<std::uint64_t> after_sequence,
                                                              Callback callback) {
  const auto mailbox = std::make_shared<Mailbox>(std::move(callback));
  auto subscription = std::make_unique<Subscribed<State>>(state_, job, mailbox);
  {
    absl::MutexLock lock(&state_->mutex);
    ++state_->watchers;
    Memory& memory = state_->Remember(job);
    memory.subscribers.push_back(mailbox);
    subscription->resumed =
        after_sequence && *after_sequence >= memory.complete_after && *after_sequence <= state_->last;
    subscription->start_sequence = subscription->resumed ? *after_sequence : state_->last;
    for (const JobEvent& event : memory.events) {
      if (event.sequence > subscription->start_sequence) mailbox->Put(event);
    }
  }
  mailbox->Deliver();
  return subscription;
}

void JobEvents::Publish(const std::string& job, std::variant<JobChanged, LiveProgress, Attempt> event) {
  std::vector<std::shared_ptr<Mailbox>> subscribers;
  {
    absl::MutexLock lock(&state_->mutex);
    Memory& memory = state_->Remember(job);
    memory.events.push_back(JobEvent{++state_->last, state_->clock.Now(), std::move(event)});
    for (const auto& mailbox : memory.subscribers) mailbox->Put(memory.events.back());
    subscribers = memory.subscribers;
    if (memory.events.size() > kRemembered) {
      memory.complete_after = memory.events.front().sequence;
      memory.events.pop_front();
    }
  }
  for (const auto& mailbox : subscribers) mailbox->Deliver();
}

void JobEvents::Forget(const std::string& job) {
  absl::MutexLock lock(&state_->mutex);
  const auto entry = state_->jobs.find(job);
  if (entry == state_->jobs.end()) return;
  if (entry->second.subscribers.empty()) {
    state_->jobs.erase(entry);
    return;
  }
  entry->second.events.clear();
  entry->second.complete_after = state_->last;
}

std::size_t JobEvents::watcher_count() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->watchers;
}

}  // namespace headscope::server
