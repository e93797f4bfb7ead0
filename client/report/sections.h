// The sections of a report, one file each. A section without data is empty.
#pragma once

#include <string>

#include "client/report/report.h"

namespace headscope::report {

// Head maps of all patterns on one scale.
std::string PatternsSection(const Report& report);
// Head maps of what each pattern has more or less than the base.
std::string DifferencesSection(const Report& report);
// How unevenly values are spread, totals by layer, and the top heads.
std::string DispersionSection(const Report& report);
// A matrix of patterns by patterns for every measure.
std::string SimilaritySection(const Report& report);
// Dispersion and change along the patterns.
std::string TrackSection(const Report& report);
// Coefficients, fit and residuals of every decomposition.
std::string DecompositionSection(const Report& report);
// Where the patterns come from.
std::string ProvenanceSection(const Report& report);

}  // namespace headscope::report
