#include "worker/model/tokenizer/pre_tokenizer.h"

#include <utility>

#include "worker/model/tokenizer/byte_level_pre_tokenizer.h"
#include "worker/model/tokenizer/split_pre_tokenizer.h"

namespace headscope::worker::tokenization {
namespace {

using Steps = std::vector<std::unique_ptr<const PreTokenizer>>;

// Appends the steps of `component` and says the type of the last one.
absl::StatusOr<std::string> AppendSteps(const Json& component, Steps& steps) {
  const auto type = RequireString(component, "type", "pre_tokenizer");
  if (!type.ok()) return type.status();
  if (*type == "Sequence") {
    const auto parts = RequireArray(component, "pretokenizers", "pre_tokenizer");
    if (!parts.ok()) return parts.status();
    std::string last;
    for (const Json& part : **parts) {
      auto appended = AppendSteps(part, steps);
      if (!appended.ok()) return appended.status();
      last = *std::move(appended);
    }
    return last;
  }
  absl::StatusOr<std::unique_ptr<const PreTokenizer>> step = Unsupported("pre_tokenizer", ComponentName(&component));
  if (*type == "ByteLevel") step = LoadByteLevelPreTokenizer(component);
  if (*type == "Split") step = LoadSplitPreTokenizer(component);
  if (!step.ok()) return step.status();
  steps.push_back(*std::move(step));
  return *type;
}

}  // namespace

absl::StatusOr<Steps> LoadPreTokenizers(const Json& tokenizer) {
  const Json* component = FindField(tokenizer, "pre_tokenizer");
  if (component == nullptr) return Unsupported("pre_tokenizer", "null");
  Steps steps;
  const auto last = AppendSteps(*component, steps);
  if (!last.ok()) return last.status();
  if (*last != "ByteLevel")
    return Unsupported("pre_tokenizer without ByteLevel as its last step:", ComponentName(component));
  return steps;
}

absl::StatusOr<std::vector<std::string>> PreTokenize(const Steps& steps, std::string_view text) {
  std::vector<std::string> pieces = {std::string(text)};
  for (const auto& step : steps) {
    std::vector<std::string> next;
    for (const std::string& piece : pieces) {
      if (auto status = step->Split(piece, next); !status.ok()) return status;
    }
    pieces = std::move(next);
  }
  return pieces;
}

}  // namespace headscope::worker::tokenization
