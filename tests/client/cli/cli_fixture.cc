#include "tests/client/cli/cli_fixture.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/client/safetensors_writer.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::cli {

CliTest::CliTest() : folder_(MakeTemporaryFolder()) {}

CliTest::~CliTest() { std::filesystem::remove_all(folder_); }

CliRun CliTest::Cli(const std::vector<std::string>& arguments) {
  std::istringstream in(input_);
  std::ostringstream out;
  std::ostringstream err;
  Environment environment;
  environment.in = &in;
  environment.out = &out;
  environment.err = &err;
  environment.out_is_terminal = out_is_terminal_;
  environment.err_is_terminal = err_is_terminal_;
  environment.variable = [this](const std::string& name) {
    const auto found = variables_.find(name);
    if (found != variables_.end()) return found->second;
    return name == "HEADSCOPE_SERVER" ? server_.address() : std::string();
  };
  environment.interrupted = interrupted_;
  environment.clock = &clock_;
  environment.client_options.initial_backoff = absl::Milliseconds(1);
  environment.client_options.max_backoff = absl::Milliseconds(2);
  environment.client_options.give_up_after = give_up_after_;
  const int exit_status = RunCli(arguments, environment);
  return {exit_status, out.str(), err.str()};
}

void CliTest::PrepareSuccess() {
  state().models = {tests::DemoModel()};
  state().job = tests::DemoJob(v1::Job::SUCCEEDED);
  state().pattern = tests::DemoPattern();
  state().result = tests::WriteSafetensors(tests::TwoSamples());
}

std::string CliTest::Path(const std::string& name) const { return (folder_ / name).string(); }

std::string CliTest::Write(const std::string& name, const std::string& text) const {
  std::ofstream(Path(name), std::ios::binary) << text;
  return Path(name);
}

std::string CliTest::Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::string CliTest::Rows() const {
  return Write("rows.jsonl",
               "{\"id\": \"a\", \"token_ids\": [1, 2], \"prompt_tokens\": 1}\n"
               "\n"
               "{\"id\": \"b\", \"token_ids\": [3, 4], \"prompt_tokens\": 1}\n");
}

}  // namespace headscope::cli
