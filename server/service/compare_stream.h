// PatternService.ComparePatterns: matrices in blocks of rows.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "headscope/v1/pattern_service.pb.h"
#include "server/analysis/statistics/similarity_inference.h"
#include "server/service/analysis.h"
#include "server/service/outgoing_stream.h"
#include "server/service/validate_analysis.h"

namespace headscope::server {

// A checked request.
struct CompareOptions {
  std::vector<Comparison> comparisons;
  // Absent: a tenth of the heads.
  std::optional<std::uint32_t> top_k;
  SimilarityOptions similarity;
  std::optional<BootstrapRequest> bootstrap;
  bool resample_samples = false;
  std::optional<Permutation> permutation;
  bool allow_different_models = false;
};

// One matrix is computed when the one before it has been written. Thread-safe: pieces come one by one.
class CompareStream : public OutgoingStream<v1::ComparePatternsResponse> {
 public:
  CompareStream(Shared& shared, const grpc::CallbackServerContext& rpc, const v1::ComparePatternsRequest& request);
  // Once, after construction.
  void Start();

 private:
  std::shared_ptr<CompareStream> Self() { return std::static_pointer_cast<CompareStream>(shared_from_this()); }
  // Runs `step` on the pool for analyses; an error ends the stream.
  void Post(absl::Status (CompareStream::*step)());

  // On the store's thread.
  void Find(JobStore& store);
  // Loads everything and writes the header.
  absl::Status Load();
  // Settles what depends on the patterns.
  absl::Status FitOptions();
  absl::Status ResampleAll();
  v1::ComparePatternsResponse Header() const;
  // Writes the next block, computing the next comparison where all blocks of the former are out; ends after the last.
  absl::Status Continue();
  absl::Status Compute(const Comparison& comparison);
  // Fills the matrices of one pair; null where not asked for.
  absl::Status ComputePair(const Comparison& comparison, std::size_t row, std::size_t column);
  void Queue(const Comparison& comparison, v1::ComparePatternsResponse::Quantity quantity,
             const std::vector<double>& matrix);
  void Fail(const absl::Status& error);
  void OnWritten() override { Post(&CompareStream::Continue); }

  absl::Status refused_;
  std::vector<PatternReference> references_;
  CompareOptions options_;
  Budget::Share slot_;
  KeepOn keep_on_;

  std::vector<FoundPattern> found_;
  std::vector<v1::PatternIdentity> identities_;
  std::vector<PatternMatrix> patterns_;
  // With resample_samples.
  std::vector<ResampledPatterns> resampled_;

  std::size_t next_comparison_ = 0;
  // [patterns, patterns] each.
  std::vector<double> low_, high_, p_values_;
  std::deque<v1::ComparePatternsResponse> pending_;
};

}  // namespace headscope::server
