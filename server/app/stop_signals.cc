#include "server/app/stop_signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

namespace headscope::server {

StopSignals::StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  end_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

StopSignals::~StopSignals() {
  Stop();
  close(signal_fd_);
  close(end_fd_);
}

void StopSignals::Stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(end_fd_, &one, sizeof(one));
  thread_.join();
}

void StopSignals::Start(std::function<void()> first, std::function<void()> second) {
  thread_ = std::thread([this, first = std::move(first), second = std::move(second)] { Run(first, second); });
  pthread_setname_np(thread_.native_handle(), "stop-signals");
}

bool StopSignals::AwaitSignal() {
  while (true) {
    pollfd polled[] = {{signal_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}};
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[1].revents != 0) return false;
    signalfd_siginfo info;
    if (polled[0].revents != 0 && read(signal_fd_, &info, sizeof(info)) == sizeof(info)) return true;
  }
}

void StopSignals::Run(const std::function<void()>& first, const std::function<void()>& second) {
  if (!AwaitSignal()) return;
  first();
  first_.Notify();
  if (!AwaitSignal()) return;
  second();
  second_.Notify();
}

}  // namespace headscope::server
