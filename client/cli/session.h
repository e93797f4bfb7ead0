// One run of a command: its environment, the global flags, and the connection once one is needed.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/environment.h"
#include "client/headscope/client.h"

namespace headscope::cli {

enum class Format { kTable, kJson, kCsv };

// Single-thread.
class Session {
 public:
  Session(const Environment& environment, std::string server) : environment_(environment), server_(std::move(server)) {}

  Format format = Format::kTable;
  // --format stood on the command line.
  bool format_given = false;

  const Environment& environment() const { return environment_; }
  const std::string& server() const { return server_; }
  std::ostream& out() const { return *environment_.out; }
  std::ostream& err() const { return *environment_.err; }
  bool interrupted() const { return environment_.interrupted && environment_.interrupted(); }

  // The connection, made at the first call. Owned by this.
  absl::StatusOr<client::Client*> Connect();
  // Ends long calls on Ctrl-C.
  client::LongCall Hooks() const;

 private:
  const Environment& environment_;
  const std::string server_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace headscope::cli
