#include "worker/tools/engine_check_golden.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

// Parses what `read` makes of JSON; the library's exceptions, for a missing key as for a wrong type, become a status.
template <typename Read>
absl::Status ReadJson(const std::string& path, const std::string& text, Read read) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return absl::InvalidArgumentError(absl::StrCat(path, ": not JSON"));
  try {
    read(value);
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", error.what()));
  }
  return absl::OkStatus();
}

absl::Status ReadExpected(const std::string& path, GoldenCase* golden) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return ReadJson(path, *text, [&](const json& expected) {
    expected.at("pattern").get_to(golden->pattern);
    std::map<std::string, json> by_id;
    for (const json& sample : expected.at("samples")) by_id[sample.at("id").get<std::string>()] = sample;
    for (GoldenSample& sample : golden->samples) {
      const json& values = by_id[sample.id];
      values.at("nll").get_to(sample.objective);
      values.at("signed").get_to(sample.signed_scores);
      if (values.contains("last_logits")) values.at("last_logits").get_to(sample.last_logits);
      if (values.contains("zero_ablation")) values.at("zero_ablation").get_to(sample.zero_ablation);
    }
  });
}

}  // namespace

absl::StatusOr<std::vector<GoldenSample>> ReadTokenRows(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  std::vector<GoldenSample> samples;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const absl::Status status = ReadJson(path, line, [&](const json& row) {
      GoldenSample sample;
      row.at("id").get_to(sample.id);
      row.at("token_ids").get_to(sample.token_ids);
      row.at("prompt_tokens").get_to(sample.prompt_tokens);
      samples.push_back(std::move(sample));
    });
    if (!status.ok()) return status;
  }
  return samples;
}

absl::StatusOr<GoldenCase> ReadGoldenCase(const std::string& directory) {
  GoldenCase golden;
  golden.directory = directory;
  const std::filesystem::path path = std::filesystem::path(directory).lexically_normal();
  golden.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  absl::StatusOr<std::vector<GoldenSample>> samples = ReadTokenRows(absl::StrCat(directory, "/samples.jsonl"));
  if (!samples.ok()) return samples.status();
  golden.samples = *std::move(samples);
  const absl::Status status = ReadExpected(absl::StrCat(directory, "/expected.json"), &golden);
  if (!status.ok()) return status;
  if (golden.samples.empty()) return absl::InvalidArgumentError(absl::StrCat(directory, ": no samples"));
  return golden;
}

PackedBatch BatchOf(const std::vector<GoldenSample>& samples) {
  PackedBatch batch;
  for (const GoldenSample& sample : samples) batch.Add(sample.token_ids, sample.prompt_tokens);
  return batch;
}

}  // namespace headscope::worker
