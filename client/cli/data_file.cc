#include "client/cli/data_file.h"

#include <ostream>
#include <sstream>
#include <utility>

#include "client/cli/numbers.h"

namespace headscope::cli {

absl::StatusOr<std::unique_ptr<client::RowReader>> OpenRows(Session& session, const std::string& path,
                                                            const std::optional<std::uint64_t>& limit) {
  const std::uint64_t rows_wanted = limit.value_or(client::RowReader::kNoLimit);
  if (path == "-") {
    auto input = std::make_unique<std::stringstream>();
    *input << session.environment().in->rdbuf();
    return std::make_unique<client::RowReader>(std::move(input), "-", rows_wanted);
  }
  auto rows = client::RowReader::Open(path, rows_wanted);
  // Whatever is wrong with the file, it is input that is refused.
  if (!rows.ok()) return absl::InvalidArgumentError(rows.status().message());
  return rows;
}

bool PrintFaults(Session& session, const std::string& path, const client::RowReport& report) {
  for (const client::RowFault& fault : report.faults) {
    session.err() << path << ":";
    if (fault.line > 0) session.err() << fault.line << ":";
    session.err() << " " << fault.reason << "\n";
  }
  if (report.faults.empty()) return true;
  session.err() << "headscope: " << Count(report.faults.size(), "fault") << " in " << path << "; no job was made\n";
  return false;
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace headscope::cli
