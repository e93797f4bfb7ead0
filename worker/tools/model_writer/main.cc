// headscope-model-writer: writes a model directory with random weights, for benchmarks and tests at real size.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/tools/model_writer/arguments.h"
#include "worker/tools/model_writer/model_directory_writer.h"

namespace headscope::worker {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

const std::vector<Flag>& Flags() {
  static const std::vector<Flag> flags = {
      {"shape", "NAME", "gpt2-small", "gpt2-small, llama-small, gpt2-tiny or llama-tiny"},
      {"seed", "N", "1", "same seed, same bytes"},
      {"dtype", "TYPE", "float32", "float32 or bfloat16"},
      {"tokenizer", "FILE", "", "a tokenizer.json that is copied beside the weights"},
      {"o", "DIR", "", "the directory to write"},
  };
  return flags;
}

// Copies the text, not the file: permissions and links of the source are its own.
absl::Status CopyTokenizer(const std::string& tokenizer, const std::string& directory) {
  std::ifstream file(tokenizer, std::ios::binary);
  std::ostringstream text;
  if (!(text << file.rdbuf())) return absl::UnavailableError(absl::StrCat("cannot read ", tokenizer));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", directory, ": ", error.message()));
  return WriteTextFile(directory + "/tokenizer.json", text.str());
}

absl::Status Write(const Arguments& arguments) {
  const std::string directory = arguments.Text("o");
  if (directory.empty()) return absl::InvalidArgumentError("-o DIR is needed");
  const auto plan = PlanShape(arguments.Text("shape"));
  if (!plan.ok()) return plan.status();
  const auto type = ParseStoredType(arguments.Text("dtype"));
  if (!type.ok()) return type.status();
  const auto seed = arguments.Integer("seed", 0, std::numeric_limits<std::int64_t>::max());
  if (!seed.ok()) return seed.status();
  if (!arguments.Text("tokenizer").empty()) {
    const absl::Status copied = CopyTokenizer(arguments.Text("tokenizer"), directory);
    if (!copied.ok()) return copied;
  }
  return WriteModelDirectory(directory, *plan, *type, RandomTensors(*plan, static_cast<std::uint64_t>(*seed)));
}

int Main(int count, const char* const* words) {
  if (count > 1 && (std::string(words[1]) == "--help" || std::string(words[1]) == "-h")) {
    std::cout << UsageText("headscope-model-writer -o DIR: writes a model with random weights.", Flags());
    return 0;
  }
  const auto arguments = Arguments::Parse(Flags(), count, words);
  const absl::Status status = arguments.ok() ? Write(*arguments) : arguments.status();
  if (status.ok()) return 0;
  std::cerr << "headscope-model-writer: " << std::string(status.message()) << "\n";
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

}  // namespace
}  // namespace headscope::worker

int main(int count, char** words) { return headscope::worker::Main(count, words); }
