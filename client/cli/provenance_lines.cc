#include "client/cli/provenance_lines.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/numbers.h"
#include "proto/support/sha256.h"

namespace headscope::cli {
namespace {

using client::Pattern;
using client::Provenance;

// Lines with something in them.
class Lines {
 public:
  void Add(const std::string& name, const std::string& value) {
    if (!value.empty()) lines_.push_back({name, value});
  }
  std::vector<report::ProvenanceLine> Take() { return std::move(lines_); }

 private:
  std::vector<report::ProvenanceLine> lines_;
};

std::string Digest(const std::string& digest) { return digest.empty() ? "" : absl::StrCat("sha256:", ToHex(digest)); }

std::string MethodText(const client::ComputeOptions& compute) {
  std::string text = compute.method;
  if (compute.engine) absl::StrAppend(&text, ", engine ", client::NameOf(*compute.engine));
  if (compute.max_tokens) absl::StrAppend(&text, ", first ", Count(*compute.max_tokens, "token"));
  return text;
}

std::string ReductionText(const client::ReductionOptions& reduction) {
  std::string loss_scale = client::NameOf(reduction.loss_scale);
  if (reduction.script_batch) absl::StrAppend(&loss_scale, " of ", *reduction.script_batch);
  return absl::StrCat("loss scale ", loss_scale, ", absolute ", client::NameOf(reduction.absolute), ", positions ",
                      client::NameOf(reduction.positions), ", layer norm ", client::NameOf(reduction.layer_norm),
                      ", head axis ", client::NameOf(reduction.head_axis));
}

std::string SamplesText(const Provenance& provenance) {
  std::string text = absl::StrCat(provenance.samples_scored, " of ", provenance.samples_total);
  for (const auto& [reason, count] : provenance.samples_skipped)
    absl::StrAppend(&text, ", ", count, " left out: ", reason);
  return text;
}

void AddRun(Lines& lines, const Pattern& pattern) {
  const Provenance& provenance = pattern.provenance;
  lines.Add("Job", pattern.job);
  lines.Add("Method", MethodText(provenance.compute));
  lines.Add("Reduction", ReductionText(pattern.reduction));
  lines.Add("Weights stored as", provenance.stored_dtype);
  lines.Add("Computed in", client::NameOf(provenance.compute_dtype));
  lines.Add("Dataset", provenance.dataset.empty() ? "" : absl::StrCat("sha256:", provenance.dataset));
  lines.Add("Samples", SamplesText(provenance));
  lines.Add("Tokens", absl::StrCat(provenance.tokens, ", ", provenance.response_tokens, " supervised"));
  lines.Add("Devices", absl::StrJoin(provenance.devices, ", "));
  lines.Add("Builds", absl::StrJoin(provenance.builds, ", "));
  lines.Add("Server", provenance.server_build);
  lines.Add("Finished", UtcTime(provenance.end_time));
}

void AddImport(Lines& lines, const Pattern& pattern) {
  lines.Add("Origin", pattern.origin);
  if (pattern.samples_scored > 0) lines.Add("Samples", absl::StrCat(pattern.samples_scored));
  lines.Add("Imported", UtcTime(pattern.create_time));
}

void AddModel(Lines& lines, const std::string& name, const std::string& digest, const std::string& family) {
  lines.Add("Model", name);
  lines.Add("Model digest", Digest(digest));
  lines.Add("Family", family);
}

}  // namespace

std::vector<report::ProvenanceLine> ProvenanceLines(const Pattern& pattern, const client::PatternReference& reference) {
  Lines lines;
  if (reference.matrix) {
    lines.Add("File", reference.matrix->label);
    const client::PatternModel& model = reference.matrix->model;
    AddModel(lines, model.name, model.digest, model.family);
    return lines.Take();
  }
  lines.Add("Pattern", pattern.id);
  lines.Add("Name", pattern.display_name);
  lines.Add("Labels", absl::StrJoin(pattern.labels, ", ", absl::PairFormatter("=")));
  AddModel(lines, pattern.provenance.model, pattern.provenance.model_digest, pattern.provenance.family);
  if (pattern.job.empty()) {
    AddImport(lines, pattern);
  } else {
    AddRun(lines, pattern);
  }
  return lines.Take();
}

}  // namespace headscope::cli
