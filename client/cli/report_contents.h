// What goes into a report: fetched and computed by the server.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/headscope/analysis.h"
#include "client/report/report.h"

namespace headscope::cli {

// A pattern as it stands on the command line.
struct NamedPattern {
  std::string argument;
  // Empty: what the pattern says of itself.
  std::string label;
  client::PatternReference reference;
};

// Targets fitted by one basis.
struct DecomposeRequest {
  std::vector<NamedPattern> targets;
  std::vector<NamedPattern> basis;
  // Subtracted from all of them.
  std::optional<NamedPattern> base;
  client::DecomposeOptions options;
};

struct ReportRequest {
  std::string title;
  std::vector<NamedPattern> patterns;
  // The place among `patterns` from which differences are shown.
  std::size_t base = 0;
  client::DescribeOptions describe;
  client::CompareOptions compare;
  std::optional<client::TrackOptions> track;
  std::optional<DecomposeRequest> decompose;
};

// Patterns of different shapes are refused. Ctrl-C ends it between two questions.
absl::StatusOr<report::Report> FetchReport(Session& session, client::Client& client, const ReportRequest& request);

}  // namespace headscope::cli
