// From references to patterns in memory: found on the store's thread, read on the pool for analyses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "headscope/v1/pattern.pb.h"
#include "server/analysis/statistics/bootstrap.h"
#include "server/analysis/statistics/pattern_matrix.h"
#include "server/service/pattern_reading.h"
#include "server/service/pattern_reference.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// A pattern's whereabouts.
struct FoundPattern {
  PatternReference reference;
  // One of these unless it is inline.
  std::optional<PatternSource> job;
  std::optional<PatternRecord> imported;
  std::shared_ptr<const FoundPattern> minus;

  ReductionOptions reduction() const { return reference.reduction.value_or(job->job.spec.reduction); }
};

// On the store's thread. NOT_FOUND / PATTERN_NOT_FOUND; FAILED_PRECONDITION / JOB_NOT_SUCCEEDED; INVALID_ARGUMENT /
// REDUCTION_NOT_APPLICABLE.
absl::StatusOr<FoundPattern> FindPattern(JobStore& store, const PatternReference& reference);

// Minus is subtracted already.
struct LoadedPattern {
  std::string title;
  PatternMatrix matrix;
  std::optional<std::vector<double>> standard_error;
  PatternModel model;
  v1::PatternIdentity identity;
};

// Blocks. DATA_LOSS or NOT_FOUND when stored bytes are damaged or gone; SHAPE_MISMATCH and DIFFERENT_MODELS of a
// difference.
absl::StatusOr<LoadedPattern> LoadPattern(const FoundPattern& found, bool allow_different_models, BlobStore& blobs,
                                          const KeepOn& keep_on);
// All of them. INVALID_ARGUMENT / SHAPE_MISMATCH, DIFFERENT_MODELS; TOO_MUCH_WORK beyond kMaxAnalysisValues.
absl::StatusOr<std::vector<LoadedPattern>> LoadPatterns(const std::vector<FoundPattern>& found,
                                                        bool allow_different_models, BlobStore& blobs,
                                                        const KeepOn& keep_on);
// Whether two patterns may be held against each other: one shape, and known facts of their models that agree.
absl::Status CheckComparable(const LoadedPattern& left, const LoadedPattern& right, bool allow_different_models);

// Samples that a bootstrap can draw from, minus' included; 0 where any part has none.
std::uint64_t SamplesOf(const FoundPattern& found);
// Patterns of resampled samples; a difference's parts are resampled independently. Needs SamplesOf > 0.
absl::StatusOr<ResampledPatterns> Resample(const FoundPattern& found, const Bootstrap& bootstrap, BlobStore& blobs,
                                           const KeepOn& keep_on);

}  // namespace headscope::server
