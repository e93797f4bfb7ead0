// The result of a job as it is printed: pattern, provenance and, when asked for, samples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/heat_map.h"
#include "client/cli/session.h"
#include "client/headscope/client.h"

namespace headscope::cli {

struct Result {
  client::Job job;
  client::Pattern pattern;
  // Samples left out.
  std::vector<client::InvalidSample> skipped;
  // With --samples only.
  std::optional<client::Scores> scores;
  // --limit, where this command read the rows.
  std::optional<std::uint64_t> limit;
};

// What is read of a job that has succeeded.
struct ResultRequest {
  // Absent: the job's own.
  std::optional<client::ReductionOptions> reduction;
  bool with_samples = false;
  std::optional<std::uint64_t> limit;
};
absl::StatusOr<Result> FetchResult(Session& session, client::Client& client, const client::Job& job,
                                   const ResultRequest& request);

// DATA_LOSS when scores and pattern do not fit together.
absl::StatusOr<std::string> ResultJson(const Result& result);
// layer,head,value,standard_error.
std::string ResultCsv(const Result& result);
// The pattern [layers, heads]; with samples their signed scores [samples, layers, heads].
absl::StatusOr<std::string> ResultNpy(const Result& result);

// How a table is drawn.
struct TableStyle {
  // A heat map; otherwise plain numbers.
  bool heat_map = false;
  HeatMapStyle map;
};
std::string ResultTable(const Result& result, const TableStyle& style);

}  // namespace headscope::cli
