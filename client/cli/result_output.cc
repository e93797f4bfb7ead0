#include "client/cli/result_output.h"

#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/output_file.h"

namespace headscope::cli {

std::vector<Flag> ResultOutputFlags() {
  return {{"samples", "", "also every sample's signed head scores (json, table, .npy)"},
          {"output", "FILE", "write the result to FILE; .npy, .json and .csv choose the form", 'o'}};
}

absl::StatusOr<ResultOutput> ResultOutput::Choose(const Session& session, const Arguments& arguments) {
  ResultOutput output;
  output.with_samples_ = arguments.Has("samples");
  output.path_ = arguments.Get("output").value_or("");
  if (arguments.Has("output") && output.path_.empty()) return UsageError("-o needs the name of a file");
  if (session.format == Format::kJson) output.form_ = Form::kJson;
  if (session.format == Format::kCsv) output.form_ = Form::kCsv;
  if (!session.format_given && absl::EndsWith(output.path_, ".json")) output.form_ = Form::kJson;
  if (!session.format_given && absl::EndsWith(output.path_, ".csv")) output.form_ = Form::kCsv;
  if (absl::EndsWith(output.path_, ".npy")) output.form_ = Form::kNpy;
  if (output.form_ == Form::kCsv && output.with_samples_) {
    return UsageError(
        "--samples does not fit into csv; use --format json, or -o FILE.npy for [samples, layers, heads]");
  }
  if (output.path_.empty()) return output;
  if (absl::Status status = CheckWritable(output.path_); !status.ok()) return status;
  return output;
}

absl::StatusOr<std::string> ResultOutput::Render(const Session& session, const Result& result) const {
  const Environment& environment = session.environment();
  switch (form_) {
    case Form::kJson:
      return ResultJson(result);
    case Form::kCsv:
      return ResultCsv(result);
    case Form::kNpy:
      return ResultNpy(result);
    case Form::kTable:
      break;
  }
  TableStyle style;
  const bool to_terminal = path_.empty() && environment.out_is_terminal;
  style.map.width = environment.width;
  style.map.colours = path_.empty() ? ChooseColours(to_terminal, environment.variable) : Colours::kNone;
  // Colours asked for by CLICOLOR_FORCE have something to colour only in the map.
  style.heat_map = to_terminal || style.map.colours != Colours::kNone;
  return ResultTable(result, style);
}

absl::Status ResultOutput::Write(Session& session, const Result& result) const {
  const auto text = Render(session, result);
  if (!text.ok()) return text.status();
  if (path_.empty()) {
    session.out() << *text;
    return absl::OkStatus();
  }
  if (absl::Status status = WriteFile(path_, *text); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat(status.message(), "; the result is kept: headscope result ",
                                                    result.job.id, " -o FILE"));
  }
  session.err() << "headscope: wrote " << path_ << "\n";
  return absl::OkStatus();
}

}  // namespace headscope::cli
