// From a sample's planes to its scores: the reductions of headscope.v1.Reduction that concern single samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/options.h"
#include "server/jobs/scores.h"

namespace headscope::server {

// Planes of the method `gradient`: D = <z, dL/dz> and |D|, each summed over prompt and over response query positions.
inline constexpr char kPromptSigned[] = "prompt_signed";
inline constexpr char kResponseSigned[] = "response_signed";
inline constexpr char kPromptAbsolute[] = "prompt_absolute";
inline constexpr char kResponseAbsolute[] = "response_absolute";

// Shape of the stored planes' last two axes.
struct HeadShape {
  std::uint32_t layers = 0;
  // Query heads.
  std::uint32_t heads = 0;
  // Key-value heads; 0 when they are not known.
  std::uint32_t kv_heads = 0;
};

// Whether the planes determine this reduction: KV groups of per-token absolute values they do not.
// INVALID_ARGUMENT / BAD_REDUCTION.
absl::Status CheckReduction(const ReductionOptions& options);

// Sums KV groups, chooses positions and takes the absolute value. Thread-compatible.
class SampleReducer {
 public:
  using Planes = std::vector<const std::vector<float>*>;

  // INVALID_ARGUMENT / BAD_REDUCTION; FAILED_PRECONDITION / KV_HEADS_UNKNOWN for KV groups where `shape` does not say
  // how many there are.
  static absl::StatusOr<SampleReducer> Make(const ReductionOptions& options, const HeadShape& shape);

  // DATA_LOSS when the block has another shape or lacks a plane.
  absl::Status Check(const ScoreBlock& block) const;
  // The planes that are summed; they live as long as `block`, which was checked.
  Planes PlanesOf(const ScoreBlock& block) const;
  // Scores of sample `row` before its loss scale. sample: [layers, columns].
  void Reduce(const Planes& planes, std::size_t row, std::vector<double>& sample) const;

  std::uint32_t layers() const { return shape_.layers; }
  // Query heads, or KV heads.
  std::uint32_t columns() const { return columns_; }
  std::size_t entries() const { return std::size_t{shape_.layers} * columns_; }

 private:
  SampleReducer(const ReductionOptions& options, const HeadShape& shape);

  bool absolute_;
  HeadShape shape_;
  // Names of the planes that are summed.
  std::vector<std::string> planes_;
  std::uint32_t columns_;
  // Query heads in each column.
  std::uint32_t group_;
};

}  // namespace headscope::server
