// A pattern in a local file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "client/headscope/analysis.h"
#include "client/headscope/pattern.h"

namespace headscope::cli {

// Whether an argument names a file, not something the server has: it ends in .npy, .json or .csv, or has a slash that
// begins no resource's name.
bool NamesPatternFile(const std::string& argument);

// A file that `export` wrote says more than the values; what it does not say is empty or 0.
struct PatternFile {
  client::InlinePattern pattern;
  std::string display_name;
  std::string origin;
  std::uint64_t samples_scored = 0;
  std::map<std::string, std::string> labels;
};

// Reads
//   .npy   [layers, heads] (the paper's script writes such a file),
//   .json  what `attribute`, `result` and `export` print ({"pattern", "standard_error", ...}), or plain [[...]],
//   .csv   layer,head,value[,standard_error], every head once.
// The label is the path. INVALID_ARGUMENT says what is wrong with the file, and where.
absl::StatusOr<PatternFile> ReadWholePatternFile(const std::string& path);
// The same without what is not needed to work on it.
absl::StatusOr<client::InlinePattern> ReadPatternFile(const std::string& path);

// The forms that `result` and `export` share. `error` may be null.
std::string PatternCsv(const client::Matrix& values, const client::Matrix* error);

}  // namespace headscope::cli
