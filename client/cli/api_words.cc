#include "client/cli/api_words.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"

namespace headscope::cli {
namespace {

// Fields of requests, wherever they stand in one, and the flags that say them.
const std::map<std::string, std::string>& Flags() {
  static const auto& flags = *new std::map<std::string, std::string>{
      {"absolute", "absolute"},
      {"allow_different_models", "allow-different-models"},
      {"append_eos", "append-eos"},
      {"basis", "basis"},
      {"batch_tokens", "batch-tokens"},
      {"budget", "budget"},
      {"candidates", "candidates"},
      {"cap", "cap"},
      {"components", "component"},
      {"dataset", "data"},
      {"datasets", "data"},
      {"ddof", "ddof"},
      {"display_name", "name"},
      {"dtype", "dtype"},
      {"engine", "engine"},
      {"family", "family"},
      {"fit", "fit"},
      {"floor", "floor"},
      {"head_axis", "head-axis"},
      {"head_order", "head-order"},
      {"ids", "ids"},
      {"inline_samples", "data"},
      {"intercept", "intercept"},
      {"intervals", "intervals"},
      {"labels", "label"},
      {"layer_means", "layer-means"},
      {"layer_norm", "layer-norm"},
      {"level", "level"},
      {"loss_scale", "loss-scale"},
      {"magnitudes", "magnitudes"},
      {"max_cosine", "max-cosine"},
      {"max_tokens", "max-tokens"},
      {"measure", "measure"},
      {"measures", "measure"},
      {"method", "method"},
      {"minus", "base"},
      {"model", "model"},
      {"models", "models"},
      {"on_invalid", "on-invalid"},
      {"origin", "origin"},
      {"permutations", "permutations"},
      {"pool_job", "pool"},
      {"positions", "positions"},
      {"rank_subsets", "subsets"},
      {"rbo_p", "rbo-p"},
      {"record_tokens", "tokens"},
      {"resampled_unit", "intervals"},
      {"resamples", "resamples"},
      {"response", "response"},
      {"rows", "pool"},
      {"samples", "data"},
      {"samples_scored", "samples-scored"},
      {"scope", "shuffle"},
      {"script_batch", "script-batch"},
      {"seed", "seed"},
      {"source", "source"},
      {"standard_error", "standard-error"},
      {"target", "target"},
      {"task", "task"},
      {"top", "top"},
      {"top_k", "top-k"},
  };
  return flags;
}

// Messages that hold fields, and fields that no flag says: a path may lead through them, or end in one.
bool IsPart(const std::string& word) {
  static const auto& parts = *new std::set<std::string>{
      "bootstrap",      "coefficient", "compute",        "digest", "diversity", "head_dim", "kv_heads", "execution",
      "gradient",       "header",      "inline_pattern", "label",  "name",      "pattern",  "patterns", "permutation",
      "pool_reduction", "reduction",   "scores",         "spec",   "text",      "values"};
  return parts.contains(word) || Flags().contains(word);
}

// Calls and names of values.
const std::map<std::string, std::string>& Names() {
  static const auto& names = *new std::map<std::string, std::string>{
      {"BATCH_TOKEN_MEAN", "batch-token-mean"},
      {"BFLOAT16", "bfloat16"},
      {"CancelJob", "`headscope cancel`"},
      {"DeleteJob", "`headscope delete`"},
      {"FLOAT32", "float32"},
      {"FLOAT64", "float64"},
      {"GetJob", "`headscope job`"},
      {"GetModel", "`headscope model`"},
      {"ListDatasets", "`headscope datasets`"},
      {"ListJobs", "`headscope jobs`"},
      {"ListModels", "`headscope models`"},
      {"ListPatterns", "`headscope patterns`"},
      {"ListSweeps", "`headscope sweeps`"},
      {"OLS_STANDARD_ERROR", "ols-standard-error"},
      {"model_digest", "a digest"},
  };
  return names;
}

// "components[2]" is a word with an index.
struct Step {
  std::string word;
  std::optional<std::uint32_t> index;
};

std::optional<Step> ParseStep(const std::string& text) {
  const std::size_t bracket = text.find('[');
  if (bracket == std::string::npos) return Step{text, std::nullopt};
  std::uint32_t index = 0;
  if (text.back() != ']' || !absl::SimpleAtoi(text.substr(bracket + 1, text.size() - bracket - 2), &index)) {
    return std::nullopt;
  }
  return Step{text.substr(0, bracket), index};
}

bool HasFlag(const Command* command, const std::string& name) {
  if (command == nullptr) return true;
  return std::any_of(command->flags.begin(), command->flags.end(),
                     [&name](const Flag& flag) { return flag.name == name; });
}

std::string Numbered(std::string text, const Step& step) {
  if (step.index) absl::StrAppend(&text, " (number ", std::uint64_t{*step.index} + 1, ")");
  return text;
}

// What the command takes without a flag: "P" of "P P...", "ID" of "[ID|FILE...]", or the one that is called like the
// field.
std::string WithoutFlag(const Command* command, const Step& step) {
  if (command == nullptr || step.word == "spec") return command == nullptr ? step.word : command->name;
  const std::vector<std::string> arguments =
      absl::StrSplit(command->positionals, absl::ByAnyChar(" .|[]"), absl::SkipEmpty());
  const std::string namesake = absl::AsciiStrToUpper(step.word);
  const bool has_namesake = std::find(arguments.begin(), arguments.end(), namesake) != arguments.end();
  // Asked before the command's own call.
  if (arguments.empty() && step.word == "name" && HasFlag(command, "model")) return "--model";
  if (arguments.empty()) return Numbered(step.word, step);
  return Numbered(has_namesake ? namesake : arguments.front(), step);
}

// The flag of the last step that has one; what stands without one is the command's argument.
std::optional<std::string> Translate(const Command* command, const std::string& path) {
  if (const auto name = Names().find(path); name != Names().end()) return name->second;
  std::vector<Step> steps;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    const std::optional<Step> step = ParseStep(part);
    if (!step) return std::nullopt;
    // Its keys are a user's.
    if (!steps.empty() && steps.back().word == "labels") {
      return absl::StrCat("--label ", path.substr(path.find("labels.") + std::string("labels.").size()));
    }
    if (!IsPart(step->word)) return std::nullopt;
    steps.push_back(*step);
  }
  for (std::size_t i = steps.size(); i-- > 0;) {
    const auto flag = Flags().find(steps[i].word);
    if (flag == Flags().end() || !HasFlag(command, flag->second)) continue;
    // "datasets[1].task" is the second task.
    const bool of_element = !steps[i].index && i > 0 && steps[i - 1].index;
    return Numbered(absl::StrCat("--", flag->second), of_element ? steps[i - 1] : steps[i]);
  }
  // "pattern.inline_pattern.values" is a matter of the pattern.
  const auto listed = std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.index.has_value(); });
  return WithoutFlag(command, listed == steps.end() ? steps.front() : *listed);
}

bool IsPathCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("_.[]", c);
}

// Which words in the middle of a text are the API's: what is set off, elements of lists, calls and names of values. All
// others may be a user's, who calls files and models what they like.
bool IsApiWord(const std::string& text, std::size_t start, std::size_t end) {
  const char before = start == 0 ? ' ' : text[start - 1];
  const char after = end == text.size() ? ' ' : text[end];
  if (before == '`' && after == '`') return true;
  if (absl::StrContains("'\"/-:", before) || absl::StrContains("'\"/-", after)) return false;
  const std::string word = text.substr(start, end - start);
  return absl::StrContains(word, '[') || Names().contains(word);
}

// "spec.labels.a-b: has 300 bytes": the field that an error is about stands before it. Its length; 0 without one.
std::size_t HeadLength(const std::string& text) {
  const std::size_t end = std::min(text.find(": "), text.size());
  const std::string head = text.substr(0, end);
  return end == text.size() || head.find_first_of(" '\"/`") != std::string::npos ? 0 : end;
}

}  // namespace

std::string InWordsOf(const Command* command, const std::string& text) {
  const std::size_t head = HeadLength(text);
  std::string translated;
  if (head > 0) translated = Translate(command, text.substr(0, head)).value_or(text.substr(0, head));
  for (std::size_t start = head; start < text.size();) {
    std::size_t end = start;
    while (end < text.size() && IsPathCharacter(text[end])) ++end;
    if (end == start) {
      translated += text[start++];
      continue;
    }
    const std::size_t next = end;
    // The end of a sentence.
    while (end > start && text[end - 1] == '.') --end;
    const std::string word = text.substr(start, end - start);
    const std::optional<std::string> other =
        IsApiWord(text, start, end) ? Translate(command, word) : std::optional<std::string>();
    absl::StrAppend(&translated, other.value_or(word), text.substr(end, next - end));
    start = next;
  }
  return translated;
}

}  // namespace headscope::cli
