// headscope import: a pattern from a file into the server's store.
#include <limits>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/pattern_file.h"

namespace headscope::cli {
namespace {

absl::StatusOr<client::PatternImport> ReadImport(const Arguments& arguments) {
  const std::string& path = arguments.positionals()[0];
  absl::StatusOr<PatternFile> file = ReadWholePatternFile(path);
  if (!file.ok()) return file.status();
  const auto labels = arguments.Pairs("label");
  if (!labels.ok()) return labels.status();
  const auto samples = arguments.Number("samples-scored", 0, std::numeric_limits<std::int64_t>::max());
  if (!samples.ok()) return samples.status();
  client::PatternImport import;
  const std::string file_name = path.substr(path.rfind('/') + 1);
  const auto or_name = [&file_name](const std::string& text) { return text.empty() ? file_name : text; };
  import.display_name = arguments.Get("name").value_or(or_name(file->display_name));
  import.values = std::move(file->pattern.values);
  import.standard_error = std::move(file->pattern.standard_error);
  import.model = file->pattern.model;
  if (const auto model = arguments.Get("model")) import.model.name = *model;
  if (const auto family = arguments.Get("family")) import.model.family = *family;
  import.origin = arguments.Get("origin").value_or(or_name(file->origin));
  import.samples_scored = samples->value_or(file->samples_scored);
  import.labels = std::move(file->labels);
  for (const auto& [key, value] : *labels) import.labels[key] = value;
  if (const auto path_of_errors = arguments.Get("standard-error")) {
    absl::StatusOr<client::InlinePattern> errors = ReadPatternFile(*path_of_errors);
    if (!errors.ok()) return errors.status();
    import.standard_error = std::move(errors->values);
  }
  return import;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto import = ReadImport(arguments);
  if (!import.ok()) return import.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto pattern = (*client)->ImportPattern(*import);
  if (!pattern.ok()) return pattern.status();
  session.err() << "headscope: imported " << import->values.rows << " layers x " << import->values.columns
                << " heads\n";
  if (session.format == Format::kJson) {
    session.out() << Text({{"pattern", pattern->id}});
  } else {
    session.out() << (session.format == Format::kCsv ? "pattern\n" : "") << pattern->id << "\n";
  }
  return kDone;
}

}  // namespace

const Command& ImportCommand() {
  static const Command command = {
      "import",
      "FILE",
      1,
      1,
      "keep a pattern from a file on the server",
      "Stores a matrix of head scores, from .npy [layers, heads] (what the paper's script writes), .json or .csv,\n"
      "and prints its id. It is compared, decomposed and tracked as a job's pattern is. What `export` wrote into a\n"
      ".json (labels, model, samples, standard error) comes back with it.",
      {{"name", "NAME", "what lists call it (default: the file's name)"},
       {"label", "K=V", "label, such as task=gsm8k, checkpoint=..., step=200; may be repeated"},
       {"model", "NAME", "the model that it is of (default: what the file says)"},
       {"family", "FAMILY", "the model's family (default: what the file says): others are compared only when told so"},
       {"samples-scored", "N", "how many samples it is the mean of (default: what the file says)"},
       {"standard-error", "FILE", "standard errors, of the same shape (default: those in the file)"},
       {"origin", "TEXT", "where it comes from (default: the file's name)"}},
      {"import ap_step200.npy --label task=gsm8k --label step=200 --origin \"compute_ap.py, step 200\"",
       "import pattern.json --name before"},
      Run};
  return command;
}

}  // namespace headscope::cli
