// PatternService: what is computed from patterns in one answer.
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/service/analysis.h"
#include "server/service/analysis_convert.h"
#include "server/service/analysis_tables.h"
#include "server/service/choice.h"
#include "server/service/compare_stream.h"
#include "server/service/pattern_service.h"
#include "server/service/rank_stream.h"
#include "server/service/validate_analysis.h"

namespace headscope::server {
namespace {

constexpr MethodName Unary(const char* method) { return {"headscope.v1.PatternService", method, RpcType::kUnary}; }

constexpr std::uint32_t kDefaultTop = 10;
// Steps of one statistic per entry: sorting counts most.
constexpr double kDescribeSteps = 100;

std::vector<PatternMatrix> Matrices(const std::vector<LoadedPattern>& patterns) {
  std::vector<PatternMatrix> matrices;
  for (const LoadedPattern& pattern : patterns) matrices.push_back(pattern.matrix);
  return matrices;
}

std::uint32_t ValidateDdof(std::uint32_t ddof, Violations& violations) {
  CheckNumber(ddof, 0, 1, "ddof", violations);
  return ddof;
}

// --- describe

struct DescribeCall {
  DescribeOptions options;
  BootstrapRequest bootstrap;
};

DescribeCall ValidateDescribe(const v1::DescribePatternRequest& request, Violations& violations) {
  DescribeCall call;
  call.options.ddof = ValidateDdof(request.ddof(), violations);
  call.options.magnitudes = request.magnitudes();
  call.options.order = Choice(kHeadOrders, request.head_order(), HeadOrder::kValue, "head_order", violations);
  call.options.top = request.has_top() ? request.top() : kDefaultTop;
  CheckNumber(call.options.top, 0, kMaxTopHeads, "top", violations);
  call.bootstrap = ValidateBootstrap(request.bootstrap(), "bootstrap", violations);
  call.options.level = call.bootstrap.bootstrap.level;
  return call;
}

// No samples, no resamples; otherwise as many as are sensible.
absl::StatusOr<std::optional<ResampledPatterns>> ResampleFor(DescribeCall& call, const AnalysisInput& input) {
  Bootstrap& bootstrap = call.bootstrap.bootstrap;
  const std::uint64_t samples = SamplesOf(input.found.front());
  const auto entries = static_cast<double>(input.patterns.front().matrix.size());
  if (samples == 0) bootstrap.resamples = 0;
  absl::Status fits = FitBootstrap(entries * (static_cast<double>(samples) + kDescribeSteps), call.bootstrap);
  if (!fits.ok()) return fits;
  if (call.bootstrap.by_default) {
    const double most = static_cast<double>(kMaxResampledValues) / entries;
    bootstrap.resamples = static_cast<std::uint32_t>(std::min<double>(bootstrap.resamples, most));
  }
  if (absl::Status status = CheckResampledValues(bootstrap.resamples * entries); !status.ok()) return status;
  if (bootstrap.resamples == 0) return std::nullopt;
  absl::StatusOr<ResampledPatterns> resampled = Resample(input.found.front(), bootstrap, input.blobs, input.keep_on);
  if (!resampled.ok()) return resampled.status();
  return *std::move(resampled);
}

absl::StatusOr<v1::DescribePatternResponse> DescribeOne(DescribeCall call, const AnalysisInput& input) {
  const LoadedPattern& pattern = input.patterns.front();
  const auto resampled = ResampleFor(call, input);
  if (!resampled.ok()) return resampled.status();
  v1::DescribePatternResponse answer;
  const std::vector<double>* const errors = pattern.standard_error ? &*pattern.standard_error : nullptr;
  FillDescription(Describe(pattern.matrix, errors, *resampled ? &**resampled : nullptr, call.options), answer);
  *answer.mutable_pattern() = pattern.identity;
  answer.set_layers(pattern.matrix.layers);
  answer.set_heads(pattern.matrix.heads);
  if (errors != nullptr) {
    *answer.mutable_standard_error() = ToTensor({pattern.matrix.layers, pattern.matrix.heads, *errors});
  }
  *answer.mutable_bootstrap() = ToProto(call.bootstrap.bootstrap);
  answer.set_ddof(call.options.ddof);
  answer.set_head_order(ToProto(kHeadOrders, call.options.order));
  return answer;
}

// --- decompose

struct DecomposeCall {
  DecomposeOptions options;
  BootstrapRequest bootstrap;
  Permutation permutation;
};

DecomposeCall ValidateDecompose(const v1::DecomposePatternRequest& request, Violations& violations) {
  DecomposeCall call;
  call.options.fit = Choice(kFits, request.fit(), FitKind::kOrdinary, "fit", violations);
  call.options.intercept = request.intercept();
  call.options.interval =
      Choice(kCoefficientIntervals, request.intervals(), CoefficientInterval::kBootstrapHeads, "intervals", violations);
  call.options.rank_subsets = request.rank_subsets();
  call.bootstrap = ValidateBootstrap(request.bootstrap(), "bootstrap", violations);
  call.permutation = ValidatePermutation(request.permutation(), "permutation", violations);
  return call;
}

// Settles how many resamples and permutations there are.
absl::Status Fit(DecomposeCall& call, std::size_t entries, std::size_t basis) {
  const double products = static_cast<double>(entries) * static_cast<double>(basis + 2);
  if (call.options.interval == CoefficientInterval::kBootstrapHeads) {
    absl::Status status = FitBootstrap(3 * products * static_cast<double>(basis + 2), call.bootstrap);
    if (!status.ok()) return status;
    if (call.bootstrap.bootstrap.resamples == 0) call.options.interval = CoefficientInterval::kNone;
  } else {
    call.bootstrap.bootstrap.resamples = 0;
  }
  call.options.bootstrap = call.bootstrap.bootstrap;
  if (call.permutation.permutations > 0) call.options.permutation = call.permutation;
  return CheckSteps(3 * products, call.permutation.permutations, "permutations");
}

absl::StatusOr<v1::DecomposePatternResponse> DecomposeOne(DecomposeCall call, const AnalysisInput& input) {
  std::vector<PatternMatrix> basis = Matrices(input.patterns);
  const PatternMatrix target = std::move(basis.front());
  basis.erase(basis.begin());
  std::vector<std::string> names;
  for (std::size_t i = 1; i < input.patterns.size(); ++i) names.push_back(input.patterns[i].title);
  if (absl::Status status = Fit(call, target.size(), basis.size()); !status.ok()) return status;
  const absl::StatusOr<Decomposition> fit = Decompose(target, basis, names, call.options, input.keep_on);
  if (!fit.ok()) return fit.status();
  v1::DecomposePatternResponse answer;
  FillDecomposition(*fit, answer);
  *answer.mutable_target() = input.patterns.front().identity;
  for (std::size_t i = 1; i < input.patterns.size(); ++i) *answer.add_basis() = input.patterns[i].identity;
  answer.set_fit(ToProto(kFits, call.options.fit));
  answer.set_intervals(ToProto(kCoefficientIntervals, call.options.interval));
  *answer.mutable_bootstrap() = ToProto(call.bootstrap.bootstrap);
  *answer.mutable_permutation() = ToProto(call.permutation);
  return answer;
}

// Names tell the components of the answer apart.
std::vector<MixtureComponent> ValidateComponents(const v1::PlanMixtureRequest& request, Violations& violations) {
  CheckNumber(request.components_size(), 1, kMaxMixtureComponents, "components", violations);
  std::vector<MixtureComponent> components;
  Once names;
  for (const v1::MixtureComponent& proto : request.components()) {
    const std::string field = absl::StrCat("components[", components.size(), "]");
    const std::string& name = proto.name().empty() ? field : proto.name();
    CheckLength(proto.name(), kMaxDisplayNameBytes, absl::StrCat(field, ".name"), violations);
    names.Check(name, absl::StrCat(field, ".name"), violations);
    components.push_back({name, proto.coefficient(), proto.floor(),
                          proto.has_cap() ? std::optional<std::uint64_t>(proto.cap()) : std::nullopt});
  }
  return components;
}

}  // namespace

grpc::ServerUnaryReactor* PatternService::DescribePattern(grpc::CallbackServerContext* rpc,
                                                          const v1::DescribePatternRequest* request,
                                                          v1::DescribePatternResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("DescribePattern"), response);
  Violations violations;
  PatternReference reference = ValidateReference(request->pattern(), "pattern", violations);
  const DescribeCall describe = ValidateDescribe(*request, violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(reference.title);
  return Analyse<v1::DescribePatternResponse>(
      shared_, call, {std::move(reference)}, request->allow_different_models(),
      [describe](const AnalysisInput& input) { return DescribeOne(describe, input); });
}

grpc::ServerWriteReactor<v1::ComparePatternsResponse>* PatternService::ComparePatterns(
    grpc::CallbackServerContext* rpc, const v1::ComparePatternsRequest* request) {
  return StartStream<CompareStream>(shared_, *rpc, *request);
}

grpc::ServerUnaryReactor* PatternService::DecomposePattern(grpc::CallbackServerContext* rpc,
                                                           const v1::DecomposePatternRequest* request,
                                                           v1::DecomposePatternResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("DecomposePattern"), response);
  Violations violations;
  std::vector<PatternReference> references = {ValidateReference(request->target(), "target", violations)};
  for (PatternReference& one : ValidateReferences(request->basis(), 1, kMaxBasisPatterns, "basis", violations)) {
    references.push_back(std::move(one));
  }
  const DecomposeCall decompose = ValidateDecompose(*request, violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(references.front().title);
  return Analyse<v1::DecomposePatternResponse>(
      shared_, call, std::move(references), request->allow_different_models(),
      [decompose](const AnalysisInput& input) { return DecomposeOne(decompose, input); });
}

grpc::ServerUnaryReactor* PatternService::TrackPatterns(grpc::CallbackServerContext* rpc,
                                                        const v1::TrackPatternsRequest* request,
                                                        v1::TrackPatternsResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("TrackPatterns"), response);
  Violations violations;
  std::vector<PatternReference> references =
      ValidateReferences(request->patterns(), 1, kMaxComparedPatterns, "patterns", violations);
  const std::uint32_t ddof = ValidateDdof(request->ddof(), violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  return Analyse<v1::TrackPatternsResponse>(
      shared_, call, std::move(references), request->allow_different_models(),
      [ddof, magnitudes = request->magnitudes()](const AnalysisInput& input) {
        v1::TrackPatternsResponse answer;
        for (const TrackPoint& point : Track(Matrices(input.patterns), ddof, magnitudes)) {
          *answer.add_points() = ToProto(point);
        }
        for (int i = 0; i < answer.points_size(); ++i) {
          *answer.mutable_points(i)->mutable_pattern() = input.patterns[static_cast<std::size_t>(i)].identity;
        }
        answer.set_layers(input.patterns.front().matrix.layers);
        answer.set_heads(input.patterns.front().matrix.heads);
        return answer;
      });
}

grpc::ServerReadReactor<v1::RankSamplesRequest>* PatternService::RankSamples(grpc::CallbackServerContext* rpc,
                                                                             v1::RankSamplesResponse* response) {
  return StartStream<RankStream>(shared_, *rpc, response);
}

grpc::ServerUnaryReactor* PatternService::PlanMixture(grpc::CallbackServerContext* rpc,
                                                      const v1::PlanMixtureRequest* request,
                                                      v1::PlanMixtureResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("PlanMixture"), response);
  Violations violations;
  const std::vector<MixtureComponent> components = ValidateComponents(*request, violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  // A thousand numbers: no executor is needed.
  const absl::StatusOr<std::vector<MixtureShare>> shares =
      headscope::server::PlanMixture(components, request->budget());
  if (!shares.ok()) return call.Refuse(shares.status());
  v1::PlanMixtureResponse answer;
  for (std::size_t i = 0; i < shares->size(); ++i) {
    v1::MixtureShare& share = *answer.add_shares();
    share = ToProto((*shares)[i]);
    share.set_name(components[i].name);
  }
  call.Finish(std::move(answer));
  return call.reactor();
}

}  // namespace headscope::server
