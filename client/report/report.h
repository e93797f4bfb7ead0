// A report: patterns and what was computed from them, as one HTML file that needs nothing else. It opens from disk,
// asks for nothing over a network, follows the reader's light or dark theme, prints, and is complete without
// JavaScript, which only adds the linked cursor on the head maps.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "client/headscope/analysis.h"
#include "client/headscope/pattern.h"

namespace headscope::report {

// One fact about where a pattern comes from.
struct ProvenanceLine {
  std::string name;
  std::string value;
};

struct LabelledPattern {
  // How figures call it.
  std::string label;
  // A line beneath the label; may be empty.
  std::string subtitle;
  // [layers, heads]. What is not finite is drawn as undefined.
  client::Matrix values;
  // The shape of `values`.
  std::optional<client::Matrix> standard_error;
  std::vector<ProvenanceLine> provenance;
  std::optional<client::Description> description;
};

struct LabelledDecomposition {
  std::string target;
  // One for every pattern of the basis, in its order.
  std::vector<std::string> basis;
  client::Fit fit = client::Fit::kOls;
  client::Decomposition decomposition;
};

// Text is plain: whatever it holds is shown, never interpreted. What is not defined (absent or NaN) is shown as a dash.
struct Report {
  std::string title;
  // At least one, all of one shape.
  std::vector<LabelledPattern> patterns;
  // The pattern from which the others' differences are shown.
  std::size_t base = 0;
  // Of `patterns`, in their order.
  std::optional<client::Comparison> comparison;
  // One point for every pattern, in their order, or none. Labels that are ascending numbers (steps, sample counts)
  // place the points in proportion.
  std::vector<client::TrackPoint> track;
  std::vector<LabelledDecomposition> decompositions;
};

// The whole file. The same report gives the same bytes.
std::string WriteReport(const Report& report);

}  // namespace headscope::report
