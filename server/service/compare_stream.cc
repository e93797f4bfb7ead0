#include "server/service/compare_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/service/analysis_tables.h"
#include "server/service/choice.h"

namespace headscope::server {
namespace {

constexpr MethodName kMethod{"headscope.v1.PatternService", "ComparePatterns", RpcType::kServerStream};
using Response = v1::ComparePatternsResponse;

// Steps per entry of one similarity, its preparation included.
double StepsOf(Measure measure) {
  switch (measure) {
    case Measure::kPearson:
    case Measure::kCosine:
    case Measure::kMse:
      return 10;
    default:
      return 150;
  }
}

std::vector<Comparison> ValidateComparisons(const v1::ComparePatternsRequest& request, Violations& violations) {
  std::vector<Measure> measures;
  for (int i = 0; i < request.measures_size(); ++i) {
    const std::optional<Measure> measure = FromTable(kMeasures, request.measures(i));
    if (!measure) {
      violations.Add(absl::StrCat("measures[", i, "]"),
                     absl::StrCat(static_cast<int>(request.measures(i)), " is no measure that this server knows"));
    } else if (std::find(measures.begin(), measures.end(), *measure) == measures.end()) {
      measures.push_back(*measure);
    }
  }
  if (request.measures_size() == 0) {
    for (const auto& [proto, measure] : kMeasures) measures.push_back(measure);
  }
  const int means = request.layer_means();
  if (!v1::LayerMeans_IsValid(means)) {
    violations.Add("layer_means", absl::StrCat(means, " is no value that this server knows"));
  }
  std::vector<Comparison> comparisons;
  for (const Measure measure : measures) {
    if (means != v1::LAYER_MEANS_REMOVED) comparisons.push_back({measure, false});
    if (means != v1::LAYER_MEANS_KEPT) comparisons.push_back({measure, true});
  }
  return comparisons;
}

bool ValidateUnit(const v1::ComparePatternsRequest& request, Violations& violations) {
  if (!v1::ResampledUnit_IsValid(request.resampled_unit())) {
    violations.Add("resampled_unit",
                   absl::StrCat(static_cast<int>(request.resampled_unit()), " is no value that this server knows"));
  }
  return request.resampled_unit() == v1::RESAMPLED_UNIT_SAMPLES;
}

CompareOptions Validate(const v1::ComparePatternsRequest& request, Violations& violations) {
  CompareOptions options;
  options.comparisons = ValidateComparisons(request, violations);
  if (request.has_top_k()) options.top_k = request.top_k();
  if (request.has_rbo_p()) options.similarity.rbo_p = request.rbo_p();
  if (!(options.similarity.rbo_p > 0 && options.similarity.rbo_p < 1)) {
    violations.Add("rbo_p", absl::StrCat("is ", options.similarity.rbo_p, ", a number between 0 and 1 is needed"));
  }
  options.similarity.order = Choice(kHeadOrders, request.head_order(), HeadOrder::kValue, "head_order", violations);
  if (request.has_bootstrap()) options.bootstrap = ValidateBootstrap(request.bootstrap(), "bootstrap", violations);
  options.resample_samples = ValidateUnit(request, violations);
  if (request.has_permutation()) {
    options.permutation = ValidatePermutation(request.permutation(), "permutation", violations);
  }
  options.allow_different_models = request.allow_different_models();
  return options;
}

}  // namespace

CompareStream::CompareStream(Shared& shared, const grpc::CallbackServerContext& rpc,
                             const v1::ComparePatternsRequest& request)
    : OutgoingStream(shared, rpc, kMethod) {
  Violations violations;
  references_ = ValidateReferences(request.patterns(), 2, kMaxComparedPatterns, "patterns", violations);
  options_ = Validate(request, violations);
  refused_ = violations.status();
  // Asks no more than this: once the stream has ended, gRPC's context may be gone.
  keep_on_ = [this] { return ended() ? absl::CancelledError("the call has ended") : absl::OkStatus(); };
}

void CompareStream::Start() {
  if (!refused_.ok()) return End(refused_);
  absl::StatusOr<Budget::Share> slot = TakeAnalysisSlot(shared_);
  if (!slot.ok()) return End(slot.status());
  slot_ = *std::move(slot);
  const bool posted = shared_.context.store.Post([self = Self()](JobStore& store) { self->Find(store); });
  if (!posted) End(DrainingError());
}

void CompareStream::Post(absl::Status (CompareStream::*step)()) {
  const bool posted = shared_.context.analyses.Post([self = Self(), step] {
    if (self->ended()) return;
    if (absl::Status status = ((*self).*step)(); !status.ok()) self->Fail(status);
  });
  if (!posted) End(DrainingError());
}

void CompareStream::Find(JobStore& store) {
  if (ended()) return;
  absl::StatusOr<std::vector<FoundPattern>> found = FindPatterns(store, references_);
  if (!found.ok()) return End(found.status());
  found_ = *std::move(found);
  Post(&CompareStream::Load);
}

void CompareStream::Fail(const absl::Status& error) {
  if (!IsLost(error)) return End(error);
  const bool posted = shared_.context.store.Post(
      [self = Self(), error](JobStore& store) { self->End(ExplainLoss(store, self->found_, error)); });
  if (!posted) End(DrainingError());
}

absl::Status CompareStream::Load() {
  auto loaded = LoadPatterns(found_, options_.allow_different_models, shared_.context.blobs, keep_on_);
  if (!loaded.ok()) return loaded.status();
  for (LoadedPattern& pattern : *loaded) {
    identities_.push_back(std::move(pattern.identity));
    patterns_.push_back(std::move(pattern.matrix));
  }
  if (absl::Status status = FitOptions(); !status.ok()) return status;
  if (options_.bootstrap && options_.resample_samples) {
    if (absl::Status status = ResampleAll(); !status.ok()) return status;
  }
  Write(Header());
  return absl::OkStatus();
}

absl::Status CompareStream::FitOptions() {
  const std::size_t entries = patterns_.front().size();
  options_.similarity.top_k = options_.top_k.value_or(static_cast<std::uint32_t>((entries + 9) / 10));
  if (options_.similarity.top_k < 1 || options_.similarity.top_k > entries) {
    Violations violations;
    violations.Add("top_k", absl::StrCat("is ", options_.similarity.top_k, ", 1 to the number of heads (", entries,
                                         ") is allowed"));
    return violations.status();
  }
  double steps = 0;
  for (const Comparison& comparison : options_.comparisons) steps += StepsOf(comparison.measure);
  const auto count = static_cast<double>(patterns_.size());
  steps *= count * (count - 1) / 2 * static_cast<double>(entries);
  if (options_.bootstrap) {
    if (absl::Status status = FitBootstrap(steps, *options_.bootstrap); !status.ok()) return status;
    if (options_.bootstrap->bootstrap.resamples == 0) options_.bootstrap.reset();
  }
  if (!options_.permutation) return absl::OkStatus();
  if (options_.permutation->permutations == 0) {
    options_.permutation.reset();
    return absl::OkStatus();
  }
  return CheckSteps(steps, options_.permutation->permutations, "permutations");
}

absl::Status CompareStream::ResampleAll() {
  double samples = 0;
  for (const FoundPattern& found : found_) {
    const std::uint64_t own = SamplesOf(found);
    samples += static_cast<double>(own);
    if (own > 0) continue;
    return MakeError(absl::StatusCode::kInvalidArgument,
                     absl::StrCat(found.reference.title, " has no stored samples to draw from; resample heads instead"),
                     "NO_SAMPLES");
  }
  const auto entries = static_cast<double>(patterns_.front().size());
  const std::uint32_t resamples = options_.bootstrap->bootstrap.resamples;
  if (absl::Status status = CheckSteps(samples * entries, resamples, "resamples"); !status.ok()) return status;
  absl::Status fits = CheckResampledValues(static_cast<double>(found_.size()) * resamples * entries);
  if (!fits.ok()) return fits;
  for (std::size_t i = 0; i < found_.size(); ++i) {
    Bootstrap own = options_.bootstrap->bootstrap;
    own.seed += i;
    absl::StatusOr<ResampledPatterns> resampled = Resample(found_[i], own, shared_.context.blobs, keep_on_);
    if (!resampled.ok()) return resampled.status();
    resampled_.push_back(*std::move(resampled));
  }
  return absl::OkStatus();
}

Response CompareStream::Header() const {
  Response message;
  Response::Header& header = *message.mutable_header();
  for (const v1::PatternIdentity& identity : identities_) *header.add_patterns() = identity;
  const PatternMatrix& first = patterns_.front();
  header.set_layers(first.layers);
  header.set_heads(first.heads);
  header.set_top_k(options_.similarity.top_k);
  header.set_rbo_p(options_.similarity.rbo_p);
  header.set_head_order(ToProto(kHeadOrders, options_.similarity.order));
  header.set_top_k_overlap_by_chance(OverlapByChance(options_.similarity.top_k, first.size()));
  header.set_top_k_jaccard_by_chance(JaccardByChance(options_.similarity.top_k, first.size()));
  if (options_.bootstrap) {
    *header.mutable_bootstrap() = ToProto(options_.bootstrap->bootstrap);
    header.set_resampled_unit(options_.resample_samples ? v1::RESAMPLED_UNIT_SAMPLES : v1::RESAMPLED_UNIT_HEADS);
  }
  if (options_.permutation) *header.mutable_permutation() = ToProto(*options_.permutation);
  return message;
}

absl::Status CompareStream::Continue() {
  if (pending_.empty()) {
    if (next_comparison_ == options_.comparisons.size()) {
      End(absl::OkStatus());
      return absl::OkStatus();
    }
    if (absl::Status status = Compute(options_.comparisons[next_comparison_++]); !status.ok()) return status;
  }
  Response next = std::move(pending_.front());
  pending_.pop_front();
  Write(std::move(next));
  return absl::OkStatus();
}

absl::Status CompareStream::Compute(const Comparison& comparison) {
  const auto values = SimilarityMatrix(comparison, patterns_, options_.similarity, keep_on_);
  if (!values.ok()) return values.status();
  Queue(comparison, Response::VALUE, *values);
  if (!options_.bootstrap && !options_.permutation) return absl::OkStatus();
  const std::size_t count = patterns_.size();
  low_.assign(count * count, std::numeric_limits<double>::quiet_NaN());
  high_ = p_values_ = low_;
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = row + 1; column < count; ++column) {
      if (absl::Status status = ComputePair(comparison, row, column); !status.ok()) return status;
    }
  }
  if (options_.bootstrap) {
    Queue(comparison, Response::INTERVAL_LOW, low_);
    Queue(comparison, Response::INTERVAL_HIGH, high_);
  }
  if (options_.permutation) Queue(comparison, Response::P_VALUE, p_values_);
  return absl::OkStatus();
}

absl::Status CompareStream::ComputePair(const Comparison& comparison, std::size_t row, std::size_t column) {
  const std::size_t count = patterns_.size();
  const auto set = [&](std::vector<double>& matrix, double value) {
    matrix[row * count + column] = matrix[column * count + row] = value;
  };
  if (options_.bootstrap) {
    const absl::StatusOr<Interval> interval =
        options_.resample_samples ? SampleInterval(comparison, resampled_[row], resampled_[column], options_.similarity,
                                                   options_.bootstrap->bootstrap.level, keep_on_)
                                  : HeadInterval(comparison, patterns_[row], patterns_[column], options_.similarity,
                                                 options_.bootstrap->bootstrap, keep_on_);
    if (!interval.ok()) return interval.status();
    set(low_, interval->low);
    set(high_, interval->high);
  }
  if (!options_.permutation) return absl::OkStatus();
  const absl::StatusOr<double> p_value = PermutationPValue(comparison, patterns_[row], patterns_[column],
                                                           options_.similarity, *options_.permutation, keep_on_);
  if (!p_value.ok()) return p_value.status();
  set(p_values_, *p_value);
  return absl::OkStatus();
}

void CompareStream::Queue(const Comparison& comparison, Response::Quantity quantity,
                          const std::vector<double>& matrix) {
  const std::size_t count = patterns_.size();
  const std::size_t most = std::max<std::size_t>(1, kMaxBlockBytes / sizeof(double) / count);
  for (std::size_t first = 0; first < count; first += most) {
    const std::size_t rows = std::min(most, count - first);
    Response::Rows& part = *pending_.emplace_back().mutable_rows();
    part.set_measure(ToProto(kMeasures, comparison.measure));
    part.set_layer_means_removed(comparison.without_layer_means);
    part.set_quantity(quantity);
    part.set_first_row(static_cast<std::uint32_t>(first));
    *part.mutable_values() = EncodeTensor(absl::MakeConstSpan(matrix).subspan(first * count, rows * count),
                                          {static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(count)});
  }
}

}  // namespace headscope::server
