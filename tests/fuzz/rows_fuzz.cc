// Input: a file of data rows, at most kLimit of them read.
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "client/headscope/rows.h"
#include "proto/support/sample_encoding.h"
#include "tests/fuzz/fuzz_input.h"

namespace headscope::client {
namespace {

constexpr std::uint64_t kLimit = 1000;

void RequireReport(const RowReport& report) {
  for (const RowFault& fault : report.faults) {
    fuzz::Require(!fault.reason.empty() && fault.reason.size() <= 8192, "a fault's reason");
  }
  fuzz::Require(!report.lines.empty() || !report.faults.empty(), "no rows is a fault");
}

// A file without faults gives every row that the check has seen, each a sound sample with an id of its own.
void RequireRows(RowReader& reader, std::size_t rows) {
  fuzz::Require(reader.Rewind().ok(), "a text can be read again");
  std::set<std::string> ids;
  for (auto sample = reader.Next(); sample.ok() && sample->has_value(); sample = reader.Next()) {
    fuzz::Require(CheckSample(**sample).ok(), "a sound sample");
    fuzz::Require(ids.insert((*sample)->id).second, "an id for each sample");
  }
  fuzz::Require(ids.size() == rows, "every row");
}

}  // namespace
}  // namespace headscope::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  const std::string text(fuzz::TextOf(data, size));
  client::RowReader reader(std::make_unique<std::istringstream>(text), "rows.jsonl", client::kLimit);
  const client::RowReport report = reader.Check();
  client::RequireReport(report);
  if (!report.faults.empty()) return 0;
  fuzz::Require(text.find('\0') == std::string::npos || report.lines.size() == client::kLimit, "no row holds a NUL");
  client::RequireRows(reader, report.lines.size());
  return 0;
}
