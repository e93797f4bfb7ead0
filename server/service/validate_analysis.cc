#include "server/service/validate_analysis.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "server/service/analysis_tables.h"
#include "server/service/choice.h"

namespace headscope::server {

void CheckNumber(double value, double low, double high, const std::string& field, Violations& violations) {
  if (value >= low && value <= high) return;
  violations.Add(field, absl::StrCat("is ", value, ", ", low, " to ", high, " is allowed"));
}

BootstrapRequest ValidateBootstrap(const v1::Bootstrap& proto, const std::string& field, Violations& violations) {
  BootstrapRequest request;
  request.by_default = !proto.has_resamples();
  request.bootstrap.resamples = proto.has_resamples() ? proto.resamples() : kDefaultResamples;
  CheckNumber(request.bootstrap.resamples, 0, kMaxResamples, absl::StrCat(field, ".resamples"), violations);
  if (proto.has_level()) request.bootstrap.level = proto.level();
  if (!(request.bootstrap.level > 0 && request.bootstrap.level < 1)) {
    violations.Add(absl::StrCat(field, ".level"),
                   absl::StrCat("is ", request.bootstrap.level, ", a number between 0 and 1 is needed"));
  }
  request.bootstrap.seed = proto.seed();
  return request;
}

Permutation ValidatePermutation(const v1::Permutation& proto, const std::string& field, Violations& violations) {
  Permutation permutation;
  permutation.permutations = proto.has_permutations() ? proto.permutations() : kDefaultResamples;
  CheckNumber(permutation.permutations, 0, kMaxPermutations, absl::StrCat(field, ".permutations"), violations);
  permutation.shuffle =
      Choice(kShuffleScopes, proto.scope(), Shuffle::kWithinLayers, absl::StrCat(field, ".scope"), violations);
  permutation.seed = proto.seed();
  return permutation;
}

absl::Status CheckSteps(double steps_of_one, std::uint32_t count, const std::string& what) {
  if (steps_of_one * count <= kMaxAnalysisSteps) return absl::OkStatus();
  const auto most = static_cast<std::uint64_t>(kMaxAnalysisSteps / steps_of_one);
  return MakeError(
      absl::StatusCode::kInvalidArgument,
      absl::StrCat(count, " ", what, " are too much work for so many patterns, samples and heads; at most ", most,
                   " are possible"),
      "TOO_MUCH_WORK");
}

absl::Status FitBootstrap(double steps_of_one, BootstrapRequest& request) {
  if (request.by_default) {
    const double most = kDefaultAnalysisSteps / std::max(1.0, steps_of_one);
    request.bootstrap.resamples = static_cast<std::uint32_t>(std::min<double>(request.bootstrap.resamples, most));
  }
  return CheckSteps(steps_of_one, request.bootstrap.resamples, "resamples");
}

absl::Status CheckResampledValues(double values) {
  if (values <= static_cast<double>(kMaxResampledValues)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the resampled patterns have ", values, " values together, at most ",
                                kMaxResampledValues, " are kept; ask for fewer resamples or patterns"),
                   "TOO_MUCH_WORK");
}

v1::Bootstrap ToProto(const Bootstrap& bootstrap) {
  v1::Bootstrap proto;
  proto.set_resamples(bootstrap.resamples);
  proto.set_level(bootstrap.level);
  proto.set_seed(bootstrap.seed);
  return proto;
}

v1::Permutation ToProto(const Permutation& permutation) {
  v1::Permutation proto;
  proto.set_permutations(permutation.permutations);
  proto.set_scope(ToProto(kShuffleScopes, permutation.shuffle));
  proto.set_seed(permutation.seed);
  return proto;
}

}  // namespace headscope::server
