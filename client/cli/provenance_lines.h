// Where a pattern comes from, as a report shows it.
#pragma once

#include <string>
#include <vector>

#include "client/headscope/analysis.h"
#include "client/report/report.h"

namespace headscope::cli {

// What is known, most telling first; nothing for what is not. `reference` is what `pattern` was fetched by.
std::vector<report::ProvenanceLine> ProvenanceLines(const client::Pattern& pattern,
                                                    const client::PatternReference& reference);

}  // namespace headscope::cli
