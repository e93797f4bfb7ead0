#include <string>
#include <vector>

#include "proto/support/flags.h"
#include "server/app/run_server.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return headscope::server::RunServer(arguments, headscope::ProcessEnvironment());
}
