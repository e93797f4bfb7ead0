#include "tests/server/app/server_process.h"

#include <signal.h>

#include <regex>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/server/app/files.h"

namespace headscope::server {

ServerProcess::ServerProcess(const std::string& folder, const std::vector<std::string>& flags) : folder_(folder) {
  ChildOptions child;
  child.program = "/bin/sh";
  child.arguments = {"-c",
                     absl::StrCat("exec \"$0\" \"$@\" 2>", folder, "/log"),
                     HEADSCOPE_SERVER_BINARY,
                     "--data-dir",
                     folder + "/data",
                     "--listen",
                     "127.0.0.1:0",
                     "--worker-listen",
                     "127.0.0.1:0",
                     "--metrics-listen",
                     "127.0.0.1:0",
                     "--ready-file",
                     folder + "/ready.json"};
  child.arguments.insert(child.arguments.end(), flags.begin(), flags.end());
  child.environment = {"PATH=/usr/bin:/bin"};
  absl::StatusOr<ChildProcess> process = ChildProcess::Spawn(child);
  EXPECT_TRUE(process.ok()) << process.status();
  if (process.ok()) process_.emplace(*std::move(process));
}

ServerProcess::~ServerProcess() {
  if (!process_) return;
  process_->Signal(SIGKILL);
  AwaitEnd();
}

std::map<std::string, std::string> ServerProcess::AwaitReady() {
  const std::string text = AwaitText(
      folder_ + "/ready.json", [](const std::string& ready) { return !ready.empty(); }, absl::Seconds(60));
  EXPECT_NE(text, "") << Log();
  std::map<std::string, std::string> addresses;
  const std::regex pair("\"(\\w+)\": \"([^\"]+)\"");
  for (std::sregex_iterator it(text.begin(), text.end(), pair), end; it != end; ++it) {
    addresses[(*it)[1]] = (*it)[2];
  }
  return addresses;
}

void ServerProcess::Signal(int signal) { process_->Signal(signal); }

std::string ServerProcess::AwaitEnd() {
  process_->AwaitEnd();
  const std::string end = process_->Reap();
  process_.reset();
  return end;
}

std::string ServerProcess::Log() const { return ReadText(LogPath()); }

}  // namespace headscope::server
