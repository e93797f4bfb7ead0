#include "tests/server/app/files.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace headscope::server {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string AwaitText(const std::string& path, const std::function<bool(const std::string&)>& enough,
                      absl::Duration timeout) {
  const int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  const std::string folder = std::filesystem::path(path).parent_path();
  inotify_add_watch(watch, folder.c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_CLOSE_WRITE);
  const absl::Time deadline = absl::Now() + timeout;
  std::string text = ReadText(path);
  while (!enough(text) && absl::Now() < deadline) {
    pollfd polled = {watch, POLLIN, 0};
    poll(&polled, 1, static_cast<int>(std::max<std::int64_t>(1, absl::ToInt64Milliseconds(deadline - absl::Now()))));
    char events[4096];
    [[maybe_unused]] const ssize_t drained = read(watch, events, sizeof(events));
    text = ReadText(path);
  }
  close(watch);
  return enough(text) ? text : "";
}

bool AwaitGone(int pid, absl::Duration timeout) {
  // A process descriptor becomes readable when its process ends.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return true;
  pollfd polled = {process, POLLIN, 0};
  const bool gone = poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1;
  close(process);
  return gone;
}

std::string MakeFolder(const std::string& name) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const auto folder = std::filesystem::path(::testing::TempDir()) /
                      absl::StrCat(test->test_suite_name(), ".", test->name(), ".", name, ".", getpid());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder.string();
}

}  // namespace headscope::server
