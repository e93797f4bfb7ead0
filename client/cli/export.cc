// headscope export: a pattern into a file.
#include <ostream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/npy.h"
#include "client/cli/npz.h"
#include "client/cli/option_flags.h"
#include "client/cli/output_file.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/pattern_file.h"

namespace headscope::cli {
namespace {

Json ReductionJson(const client::ReductionOptions& reduction) {
  return {{"loss_scale", client::NameOf(reduction.loss_scale)}, {"absolute", client::NameOf(reduction.absolute)},
          {"positions", client::NameOf(reduction.positions)},   {"layer_norm", client::NameOf(reduction.layer_norm)},
          {"head_axis", client::NameOf(reduction.head_axis)},   {"script_batch", ScriptBatchJson(reduction)}};
}

// All that is known of an imported pattern's origin; in the keys of a provenance.
Json ModelFactsJson(const client::Provenance& provenance) {
  return {{"family", provenance.family}, {"kv_heads", provenance.kv_heads}, {"head_dim", provenance.head_dim}};
}

std::string PatternJson(const client::Pattern& pattern) {
  const bool of_job = !pattern.job.empty();
  return Text({{"id", pattern.id},
               {"job", of_job ? Json(pattern.job) : Json(nullptr)},
               {"model", {{"name", pattern.provenance.model}, {"digest", DigestJson(pattern.provenance.model_digest)}}},
               {"layers", pattern.values.rows},
               {"heads", pattern.values.columns},
               {"pattern", MatrixJson(pattern.values)},
               {"standard_error", pattern.standard_error ? MatrixJson(*pattern.standard_error) : Json(nullptr)},
               {"samples_scored", pattern.samples_scored},
               {"reduction", of_job ? ReductionJson(pattern.reduction) : Json(nullptr)},
               {"labels", Json(pattern.labels)},
               {"display_name", pattern.display_name},
               {"origin", pattern.origin},
               {"provenance", of_job ? ProvenanceJson(pattern.provenance, {}) : ModelFactsJson(pattern.provenance)}});
}

absl::StatusOr<std::string> PatternNpz(const client::Pattern& pattern) {
  const auto npy = [](const client::Matrix& matrix) { return NpyBytes({matrix.rows, matrix.columns}, matrix.values); };
  std::vector<std::pair<std::string, std::string>> members = {{"values", npy(pattern.values)}};
  if (pattern.standard_error) members.emplace_back("standard_error", npy(*pattern.standard_error));
  return NpzBytes(members);
}

absl::StatusOr<std::string> Render(const client::Pattern& pattern, const std::string& path) {
  if (absl::EndsWith(path, ".json")) return PatternJson(pattern);
  if (absl::EndsWith(path, ".npz")) return PatternNpz(pattern);
  if (absl::EndsWith(path, ".npy")) {
    return NpyBytes({pattern.values.rows, pattern.values.columns}, pattern.values.values);
  }
  return PatternCsv(pattern.values, pattern.standard_error ? &*pattern.standard_error : nullptr);
}

// A job's stored planes as the server keeps them.
absl::StatusOr<std::string> ReadPlanes(Session& session, client::Client& client, const std::string& name) {
  const auto pattern = client.GetPattern(name, std::nullopt);
  if (!pattern.ok()) return pattern.status();
  if (pattern->job.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " was imported: there are no planes of samples"));
  }
  std::string bytes;
  const auto append = [&bytes](std::string_view piece) {
    bytes.append(piece);
    return absl::OkStatus();
  };
  if (absl::Status status = client.ReadResult(pattern->job, append, session.Hooks()); !status.ok()) return status;
  return bytes;
}

absl::Status CheckPath(const Arguments& arguments) {
  const std::string path = arguments.Get("output").value_or("");
  const auto ends = [&path](const char* suffix) { return absl::EndsWith(path, suffix); };
  if (!ends(".npy") && !ends(".npz") && !ends(".json") && !ends(".csv") && !ends(".safetensors")) {
    return UsageError("export needs -o FILE with .npy, .npz, .json, .csv or .safetensors");
  }
  if (ends(".safetensors") && NamesPatternFile(arguments.positionals()[0])) {
    return UsageError(".safetensors holds the planes of a job's samples; a file has none");
  }
  if (ends(".safetensors") && HasReductionFlags(arguments)) {
    return UsageError("reduction flags do not belong to .safetensors: it holds the stored planes, not reduced");
  }
  return CheckWritable(path);
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  if (absl::Status status = CheckPath(arguments); !status.ok()) return status;
  const std::string path = *arguments.Get("output");
  auto references = ReadPatterns(arguments.positionals());
  if (!references.ok()) return references.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> bytes;
  if (absl::EndsWith(path, ".safetensors")) {
    bytes = ReadPlanes(session, **client, arguments.positionals()[0]);
  } else {
    if (absl::Status status = ApplyReduction(**client, arguments, *references); !status.ok()) return status;
    const auto pattern = FetchPattern(**client, references->front());
    if (!pattern.ok()) return pattern.status();
    bytes = Render(*pattern, path);
  }
  if (!bytes.ok()) return bytes.status();
  if (absl::Status status = WriteFile(path, *bytes); !status.ok()) return status;
  session.err() << "headscope: wrote " << path << "\n";
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {{"output", "FILE", "where to; .npy, .npz, .json, .csv or .safetensors", 'o'}};
  for (const Flag& flag : ReductionFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& ExportCommand() {
  static const Command command = {
      "export",
      "P",
      1,
      1,
      "write a pattern to a file",
      std::string("Writes a pattern: .npy ('<f8' [layers, heads]), .npz (values, standard_error), .json (with its\n"
                  "provenance), .csv (layer,head,value,standard_error). Of a job, .safetensors has every sample's\n"
                  "planes as they are stored.\n\n") +
          kPatternHelp,
      Flags(),
      {"export j-0h3kq8z1v5m2n4p7 -o pattern.npy", "export p-0h3kq8z1v5m2n4p7 --positions response -o response.json",
       "export j-0h3kq8z1v5m2n4p7 -o planes.safetensors"},
      Run};
  return command;
}

}  // namespace headscope::cli
