// A child process that ends when this one does.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::server {

struct ChildOptions {
  // Path of the program.
  std::string program;
  // Those after the program's name. The read end of the life line is open in the child as kLifeLineFd.
  std::vector<std::string> arguments;
  // The child's whole environment, "NAME=value".
  std::vector<std::string> environment;
};

// Spawned (never forked: gRPC's threads run), in a process group of its own, with no signal blocked, standard input
// empty and standard output going to standard error. Thread-compatible.
class ChildProcess {
 public:
  static constexpr int kLifeLineFd = 3;

  static absl::StatusOr<ChildProcess> Spawn(const ChildOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  // Closes the life line. A child that was not reaped stays one.
  ~ChildProcess();

  int pid() const { return pid_; }
  // Returns when the child has ended, without reaping it: signals sent to pid() cannot reach another process yet.
  void AwaitEnd() const;
  // After AwaitEnd: "exited with status 1", "killed by signal 9 (Killed)".
  std::string Reap();
  void Signal(int signal) const;
  // The child, which watches it, ends.
  void CloseLifeLine();

 private:
  ChildProcess(int pid, int life_line) : pid_(pid), life_line_(life_line) {}

  int pid_;
  // Write end of a pipe; -1 when closed.
  int life_line_;
};

}  // namespace headscope::server
