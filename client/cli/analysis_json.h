// What is computed from patterns as JSON: the keys that scripts depend on stand here. What is not defined is null.
#pragma once

#include <cstdint>
#include <vector>

#include "client/cli/json_values.h"
#include "client/headscope/analysis.h"

namespace headscope::cli {

// "kendall-tau-b" as a key: "kendall_tau_b".
std::string KeyOf(client::Measure measure);

// {"pattern", "model", "family", "samples_scored", "minus"}.
Json IdentityJson(const client::PatternIdentity& pattern);
Json DescriptionJson(const client::Description& description, const client::DescribeOptions& options);
// Every measure an n x n matrix under its name; with the means of layers removed under "layer_means_removed".
Json ComparisonJson(const client::Comparison& comparison);
Json DecompositionJson(const client::Decomposition& decomposition, const client::DecomposeOptions& options);
Json TrackJson(const std::vector<client::TrackPoint>& points);
Json RankingJson(const client::Ranking& ranking, client::RankMeasure measure);
Json MixtureJson(const std::vector<client::MixtureShare>& shares, std::uint64_t budget);

}  // namespace headscope::cli
