#include "worker/tools/engine_check_options.h"

#include <functional>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace headscope::worker {
namespace {

using Setter = std::function<absl::Status(const std::string& value, EngineCheckOptions* options)>;

absl::Status SetCount(const std::string& value, std::int64_t smallest, std::int64_t* count) {
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < smallest || number > 1'000'000'000) {
    return absl::InvalidArgumentError(absl::StrCat("must be an integer from ", smallest, ", found \"", value, "\""));
  }
  *count = number;
  return absl::OkStatus();
}

absl::Status SetSamples(const std::string& value, EngineCheckOptions* options) {
  return SetCount(value, 1, &options->samples.emplace());
}

absl::Status SetThreads(const std::string& value, EngineCheckOptions* options) {
  std::int64_t threads = 0;
  const absl::Status status = SetCount(value, 0, &threads);
  if (status.ok()) options->threads = static_cast<int>(threads);
  return status;
}

// A comma-separated list through `parse`.
template <typename T>
absl::Status SetList(const std::string& value, absl::StatusOr<T> (*parse)(const std::string&), std::vector<T>* list) {
  list->clear();
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(value, ','))) {
    const absl::StatusOr<T> parsed = parse(part);
    if (!parsed.ok()) return parsed.status();
    list->push_back(*parsed);
  }
  return absl::OkStatus();
}

absl::StatusOr<EngineKind> ParseEngine(const std::string& name) { return ParseEngineKind(name); }

absl::Status SetBatch(const std::string& value, EngineCheckOptions* options) {
  if (value != "one" && value != "all") {
    return absl::InvalidArgumentError(absl::StrCat("must be \"one\" or \"all\", found \"", value, "\""));
  }
  options->one_batch = value == "all";
  return absl::OkStatus();
}

absl::Status SetFormat(const std::string& value, EngineCheckOptions* options) {
  if (value != "text" && value != "json") {
    return absl::InvalidArgumentError(absl::StrCat("must be \"text\" or \"json\", found \"", value, "\""));
  }
  options->json = value == "json";
  return absl::OkStatus();
}

template <std::string EngineCheckOptions::*kMember>
absl::Status SetText(const std::string& value, EngineCheckOptions* options) {
  options->*kMember = value;
  return absl::OkStatus();
}

template <std::int64_t EngineCheckOptions::*kMember>
absl::Status SetNumber(const std::string& value, EngineCheckOptions* options) {
  return SetCount(value, 1, &(options->*kMember));
}

absl::Status AddGolden(const std::string& value, EngineCheckOptions* options) {
  options->golden.push_back(value);
  return absl::OkStatus();
}

const std::map<std::string, Setter>& Setters() {
  using Options = EngineCheckOptions;
  static const std::map<std::string, Setter> setters = {
      {"--golden", AddGolden},
      {"--speed", SetText<&Options::speed>},
      {"--products", SetText<&Options::products>},
      {"--data", SetText<&Options::data>},
      {"--format", SetFormat},
      {"--engine", [](const std::string& value,
                      Options* options) { return SetList<EngineKind>(value, ParseEngine, &options->engines); }},
      {"--dtype",
       [](const std::string& value, Options* options) { return SetList<DType>(value, ParseDType, &options->dtypes); }},
      {"--device", SetText<&Options::device>},
      {"--threads", SetThreads},
      {"--batch", SetBatch},
      {"--samples", SetSamples},
      {"--repeats", SetNumber<&Options::repeats>},
      {"--tokens", SetNumber<&Options::tokens>},
      {"--batch-tokens", SetNumber<&Options::batch_tokens>},
  };
  return setters;
}

}  // namespace

std::string EngineCheckUsage() {
  return R"(headscope-engine-check: are the engines right, and how fast are they?

  headscope-engine-check --golden DIR... [options]   compare with golden cases
  headscope-engine-check --speed MODEL_DIR [options] time the gradient method
  headscope-engine-check --products MODEL_DIR        time the model's matrix products by themselves

A golden case is a directory with config.json, model.safetensors, samples.jsonl and expected.json.
Printed is the worst error of each quantity relative to the largest of the sample's matrix. A case
passes at 1e-5 (scores, pattern, objective) and 1e-4 (ablation).

  --golden DIR...       golden cases; every argument that is no option is one more
  --speed MODEL_DIR     model to time
  --products MODEL_DIR  model whose products, forward and transposed, are timed on batches of
                        --batch-tokens rows: the rate that an engine could reach at best
  --engine NAMES        comma-separated: fast, reference (default both)
  --dtype NAMES         comma-separated: float64, float32 (default both), bfloat16
  --device cpu|cuda:N   default cpu
  --threads N           default 0: LibTorch's own choice
  --batch all|one       all samples of a case in one batch (default), or one by one
  --data FILE.jsonl     rows {"id", "token_ids", "prompt_tokens"} to time instead of made-up samples
  --samples N           samples of a timed run (16; of --data: all)
  --tokens N            tokens of each made-up sample, half of them prompt (128)
  --batch-tokens N      tokens a batch of a timed run (1024)
  --repeats N           times that the samples are run; the fastest run counts (1)
  --format text|json    what was timed as text (default), or as one JSON object a line
  --help                this text

Exit status: 0 all passed, 1 a case failed or could not be run, 2 wrong usage.
)";
}

absl::StatusOr<EngineCheckOptions> ParseEngineCheckOptions(const std::vector<std::string>& arguments) {
  EngineCheckOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::vector<std::string> parts = absl::StrSplit(arguments[i], absl::MaxSplits('=', 1));
    const std::string& name = parts[0];
    if (name == "--help" || name == "-h") {
      options.help = true;
      continue;
    }
    if (name.rfind('-', 0) != 0) {
      options.golden.push_back(arguments[i]);
      continue;
    }
    const auto setter = Setters().find(name);
    if (setter == Setters().end()) return absl::InvalidArgumentError(absl::StrCat("unknown option ", name));
    if (parts.size() == 1 && i + 1 == arguments.size()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " needs a value"));
    }
    const absl::Status status = setter->second(parts.size() == 2 ? parts[1] : arguments[++i], &options);
    if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
  }
  if (!options.help && options.golden.empty() && options.speed.empty() && options.products.empty()) {
    return absl::InvalidArgumentError("nothing to do: give --golden, --speed or --products");
  }
  return options;
}

}  // namespace headscope::worker
