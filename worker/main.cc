#include <string>
#include <vector>

#include "proto/support/flags.h"
#include "worker/app/worker_app.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return headscope::worker::RunWorker(arguments, headscope::ProcessEnvironment());
}
