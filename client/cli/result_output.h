// Where and in which form a result goes: --format, -o, --samples.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/cli/result.h"
#include "client/cli/session.h"

namespace headscope::cli {

std::vector<Flag> ResultOutputFlags();

// Decided, and checked, before any work is done. Immutable.
class ResultOutput {
 public:
  static absl::StatusOr<ResultOutput> Choose(const Session& session, const Arguments& arguments);

  bool with_samples() const { return with_samples_; }
  bool is_json() const { return form_ == Form::kJson; }
  // To standard output, or to the file, which is then named on standard error.
  absl::Status Write(Session& session, const Result& result) const;

 private:
  enum class Form { kTable, kJson, kCsv, kNpy };

  absl::StatusOr<std::string> Render(const Session& session, const Result& result) const;

  Form form_ = Form::kTable;
  // Empty: standard output.
  std::string path_;
  bool with_samples_ = false;
};

}  // namespace headscope::cli
