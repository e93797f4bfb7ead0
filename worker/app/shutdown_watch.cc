#include "worker/app/shutdown_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace headscope::worker {

ShutdownWatch::ShutdownWatch(int parent_fd) : parent_fd_(parent_fd) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (parent_fd_ >= 0) ::fcntl(parent_fd_, F_SETFD, FD_CLOEXEC);
}

ShutdownWatch::~ShutdownWatch() {
  ::close(signal_fd_);
  ::close(wake_fd_);
}

ShutdownWatch::Event ShutdownWatch::Wait() {
  while (true) {
    pollfd polled[] = {{parent_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    if (::poll(polled, 3, -1) < 0) continue;
    if (polled[0].revents != 0) {
      char byte = 0;
      const ssize_t got = ::read(parent_fd_, &byte, 1);
      if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return Event::kParentGone;
    }
    signalfd_siginfo info = {};
    if (polled[1].revents != 0 && ::read(signal_fd_, &info, sizeof(info)) == sizeof(info)) return Event::kTerminate;
    std::uint64_t count = 0;
    if (polled[2].revents != 0 && ::read(wake_fd_, &count, sizeof(count)) == sizeof(count)) return Event::kWoken;
  }
}

void ShutdownWatch::Wake(const std::string& word) {
  {
    absl::MutexLock lock(&mutex_);
    if (!word.empty()) word_ = word;
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof(one));
}

std::string ShutdownWatch::word() const {
  absl::MutexLock lock(&mutex_);
  return word_;
}

}  // namespace headscope::worker
