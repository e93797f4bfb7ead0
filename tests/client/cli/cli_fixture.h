// Runs command lines in the test's own process against a fake server.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/run_cli.h"
#include "nlohmann/json.hpp"
#include "proto/support/clock.h"
#include "tests/client/demo_messages.h"
#include "tests/client/fake_server.h"

namespace headscope::cli {

// Stands still unless moved.
class StillClock : public Clock {
 public:
  absl::Time Now() const override { return now; }
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
};

struct CliRun {
  int exit_status = 0;
  std::string out;
  std::string err;

  nlohmann::json Json() const { return nlohmann::json::parse(out); }
};

class CliTest : public ::testing::Test {
 protected:
  CliTest();
  ~CliTest() override;

  tests::FakeState& state() { return server_.state(); }

  // The command line against the fake server, unless it names another.
  CliRun Cli(const std::vector<std::string>& arguments);
  // A job that succeeds, and what `attribute` needs on the way.
  void PrepareSuccess();
  // A file in the test's own folder.
  std::string Path(const std::string& name) const;
  std::string Write(const std::string& name, const std::string& text) const;
  static std::string Read(const std::string& path);
  // Two rows of token ids.
  std::string Rows() const;

  tests::FakeServer server_;
  StillClock clock_;
  std::string input_;
  std::map<std::string, std::string> variables_;
  bool out_is_terminal_ = false;
  bool err_is_terminal_ = false;
  absl::Duration give_up_after_ = absl::Milliseconds(50);
  std::function<bool()> interrupted_ = [] { return false; };

 private:
  const std::filesystem::path folder_;
};

}  // namespace headscope::cli
