// Data rows in JSON Lines, one object a line:
//   {"id", "prompt", "response"}  |  {"id", "token_ids": [...], "prompt_tokens": n}  |  {"id", "text"}
//
// A missing id becomes the 1-based number of the line; an id may be a string or an integer. All rows of a file are of
// one kind, ids are unique, no key is given twice, other keys are ignored, blank lines are skipped but counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/headscope/dataset.h"

namespace headscope::client {

struct RowFault {
  // 1-based; 0 for a fault of the whole file.
  std::uint64_t line = 0;
  std::string reason;
};

// What a check of all rows found.
struct RowReport {
  // Line of every row, in order.
  std::vector<std::uint64_t> lines;
  std::vector<RowFault> faults;
};

enum class RowKind { kPair, kTokens, kText };

// Reads rows one by one; memory is that of one row. Single-thread.
class RowReader : public SampleSource {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  // The first `limit` rows of the file at `path`. NOT_FOUND or PERMISSION_DENIED when it cannot be read.
  static absl::StatusOr<std::unique_ptr<RowReader>> Open(const std::string& path, std::uint64_t limit);
  // The same from a stream that can seek to its beginning.
  RowReader(std::unique_ptr<std::istream> input, std::string name, std::uint64_t limit);

  // Reads all rows and reports every structural fault. Leaves the reader at its end.
  RowReport Check();

  absl::Status Rewind() override;
  // INVALID_ARGUMENT, naming file and line, for a row with a fault.
  absl::StatusOr<std::optional<Sample>> Next() override;

 private:
  struct Row;

  // The next row that is not blank; nothing at the end or after `limit` rows.
  std::optional<Row> ReadRow();

  const std::unique_ptr<std::istream> input_;
  const std::string name_;
  const std::uint64_t limit_;
  std::uint64_t line_ = 0;
  std::uint64_t rows_ = 0;
};

}  // namespace headscope::client
