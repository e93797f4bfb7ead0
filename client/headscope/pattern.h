// Patterns: [layers, heads] matrices of head scores with their provenance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/headscope/options.h"

namespace headscope::client {

// [rows, columns], row-major.
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;

  double At(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
};

// Where a pattern comes from: enough to judge it and to make it again. Mirrors headscope.v1.Provenance.
struct Provenance {
  std::string model;
  // 32 raw bytes.
  std::string model_digest;
  std::string family;
  std::string stored_dtype;
  // Of products.
  DType compute_dtype = DType::kFloat32;
  // Resolved.
  ComputeOptions compute;
  // Hex of the dataset's SHA-256.
  std::string dataset;
  std::uint64_t samples_total = 0;
  std::uint64_t samples_scored = 0;
  // Samples left out, by reason.
  std::map<std::string, std::uint64_t> samples_skipped;
  // Real tokens of the scored samples, and those supervised.
  std::uint64_t tokens = 0;
  std::uint64_t response_tokens = 0;
  std::uint32_t batch_tokens = 0;
  // Shards whose batches were halved because memory ran out.
  std::uint32_t halved_shards = 0;
  std::vector<std::string> workers;
  std::vector<std::string> devices;
  std::vector<std::string> builds;
  std::uint64_t attempts = 0;
  std::optional<absl::Time> create_time;
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
  std::string server_build;
  // Of the model; 0: not known.
  std::uint32_t kv_heads = 0;
  std::uint32_t head_dim = 0;
};

// What is known of the model that a matrix is of; empty or 0: not known.
struct PatternModel {
  std::string name;
  // 32 raw bytes, or empty.
  std::string digest;
  std::string family;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_dim = 0;
};

// A matrix on its way into the server's store.
struct PatternImport {
  std::string display_name;
  Matrix values;
  std::optional<Matrix> standard_error;
  PatternModel model;
  // Where it comes from, in the importer's words.
  std::string origin;
  // How many samples it is the mean of; 0: not known.
  std::uint64_t samples_scored = 0;
  std::map<std::string, std::string> labels;
  // The same id with the same import gives the same pattern. Empty: one is drawn for this call.
  std::string request_id;
};

// Which patterns to list; empty fields: all.
struct PatternFilter {
  enum class Source { kAll, kJob, kImported };
  Source source = Source::kAll;
  std::string model;
  std::string family;
  std::string display_name;
  std::map<std::string, std::string> labels;
  // At most this many, newest first; 0: all.
  std::size_t limit = 0;
};

struct Pattern {
  std::string id;
  // [layers, heads], or [layers, kv_heads] with HeadAxis::kKvGroup; empty in lists.
  Matrix values;
  // The shape of `values`; absent for a single sample.
  std::optional<Matrix> standard_error;
  // As applied.
  ReductionOptions reduction;
  Provenance provenance;
  std::uint64_t samples_scored = 0;
  // Id of the job that it was reduced from; empty for an imported one.
  std::string job;
  // Of an imported one.
  std::string display_name;
  std::string origin;
  std::optional<absl::Time> create_time;
  // The shape of `values`, in lists too: there that under the reduction of the job's own options. 0: not known any
  // more.
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::map<std::string, std::string> labels;
};

}  // namespace headscope::client
