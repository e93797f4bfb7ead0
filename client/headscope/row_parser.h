// One data row: JSON text to a sample, with everything that is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/headscope/rows.h"
#include "proto/support/sample.h"

namespace headscope::client {

struct ParsedRow {
  // Its id is set even where the rest has faults; empty when the row is not an object.
  Sample sample;
  // Absent when the row's keys are of none or of several kinds.
  std::optional<RowKind> kind;
  // The id stands in the row; otherwise it is the line's number.
  bool has_id = false;
  // Empty for a good row.
  std::vector<std::string> faults;
};

// `line` is the row's 1-based line, its id when it has none of its own.
ParsedRow ParseRow(const std::string& text, std::uint64_t line);

// "prompt/response", "token_ids/prompt_tokens", "text".
std::string NameOf(RowKind kind);

}  // namespace headscope::client
