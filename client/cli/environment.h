// The world as a command sees it: streams, variables, terminal, interruption. Tests give their own.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "client/headscope/client.h"
#include "proto/support/clock.h"

namespace headscope::cli {

struct Environment {
  // Not null, outlive the run.
  std::istream* in = nullptr;
  // Only the result goes here.
  std::ostream* out = nullptr;
  // Everything else goes here.
  std::ostream* err = nullptr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // Columns of the terminal.
  int width = 80;
  // The value of a variable; empty when it is not set.
  std::function<std::string(const std::string& name)> variable;
  // Ctrl-C was pressed.
  std::function<bool()> interrupted;
  const Clock* clock = nullptr;
  // Timeouts of the connection.
  client::ClientOptions client_options;
};

}  // namespace headscope::cli
