#include "client/cli/analysis_flags.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace headscope::cli {
namespace {

constexpr std::uint64_t kMaxResamples = 10'000;
constexpr std::uint64_t kMaxPermutations = 100'000;

absl::StatusOr<std::optional<std::uint32_t>> Count(const Arguments& arguments, const std::string& flag,
                                                   std::uint64_t most) {
  const auto number = arguments.Number(flag, 0, most);
  if (!number.ok()) return number.status();
  if (!*number) return std::optional<std::uint32_t>();
  return std::optional<std::uint32_t>(static_cast<std::uint32_t>(**number));
}

absl::StatusOr<std::uint64_t> ReadSeed(const Arguments& arguments) {
  const auto seed = arguments.Number("seed", 0, std::numeric_limits<std::uint64_t>::max());
  if (!seed.ok()) return seed.status();
  return seed->value_or(0);
}

}  // namespace

std::vector<Flag> BootstrapFlags() {
  return {{"resamples", "N", "bootstrap resamples of the intervals, 0 for none (default: 1000, or what is bearable)"},
          {"level", "L", "of the intervals (default 0.95)"},
          {"seed", "N", "of everything random (default 0): the same seed gives the same numbers"}};
}

absl::StatusOr<client::Bootstrap> ReadBootstrap(const Arguments& arguments) {
  const auto resamples = Count(arguments, "resamples", kMaxResamples);
  const auto level = arguments.Real("level");
  const auto seed = ReadSeed(arguments);
  absl::Status status = resamples.status();
  status.Update(level.status());
  status.Update(seed.status());
  if (!status.ok()) return status;
  if (*level && !(**level > 0 && **level < 1)) {
    return UsageError(absl::StrCat("--level: wanted a number between 0 and 1, found ", *arguments.Get("level")));
  }
  return client::Bootstrap{*resamples, *level, *seed};
}

std::vector<Flag> MeasureFlags(const std::string& default_measures) {
  const std::string known = absl::StrJoin(client::NamesOf<client::Measure>(), ", ");
  return {{"measure", "M", absl::StrCat("only these, comma-separated: ", known, " (default ", default_measures, ")")},
          {"layer-means", "L", "kept, removed, or both (default): a trend along depth alone makes tasks correlate"}};
}

absl::Status ReadMeasures(const Arguments& arguments, client::CompareOptions& options) {
  if (arguments.Has("measure")) options.measures.clear();
  for (const std::string& name : arguments.List("measure")) {
    const auto measure = client::FromName<client::Measure>(name);
    if (!measure) return Arguments::NotOneOf("measure", name, client::NamesOf<client::Measure>());
    options.measures.push_back(*measure);
  }
  return arguments.Choice("layer-means", options.layer_means);
}

std::vector<Flag> PermutationFlags(const std::string& default_permutations) {
  return {{"permutations", "N",
           absl::StrCat("permutations of the test against chance, 0 for none (default ", default_permutations, ")")},
          {"shuffle", "SCOPE", "where permutations move values: within-layers (default) or all-heads"}};
}

absl::StatusOr<client::Permutation> ReadPermutation(const Arguments& arguments) {
  client::Permutation permutation;
  const auto permutations = Count(arguments, "permutations", kMaxPermutations);
  const auto seed = ReadSeed(arguments);
  absl::Status status = permutations.status();
  status.Update(seed.status());
  status.Update(arguments.Choice("shuffle", permutation.scope));
  if (!status.ok()) return status;
  permutation.permutations = *permutations;
  permutation.seed = *seed;
  return permutation;
}

}  // namespace headscope::cli
