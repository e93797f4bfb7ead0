#include "client/cli/pattern_file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/npy.h"
#include "client/cli/numbers.h"
#include "nlohmann/json.hpp"
#include "proto/support/limits.h"
#include "proto/support/sha256.h"

namespace headscope::cli {
namespace {

using Json = nlohmann::json;
using client::InlinePattern;
using client::Matrix;

constexpr std::size_t kMaxTextBytes = 64 << 20;

absl::Status Fault(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status CheckMatrix(const std::string& path, const Matrix& matrix) {
  if (matrix.rows == 0 || matrix.columns == 0) return Fault(path, "the pattern is empty");
  if (matrix.values.size() > kMaxPatternValues) {
    return Fault(path,
                 absl::StrCat("has ", matrix.values.size(), " values, at most ", kMaxPatternValues, " are taken"));
  }
  for (std::size_t i = 0; i < matrix.values.size(); ++i) {
    if (std::isfinite(matrix.values[i])) continue;
    return Fault(
        path, absl::StrCat("the value of layer ", i / matrix.columns, " head ", i % matrix.columns, " is not finite"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  std::string text(kMaxTextBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxTextBytes) return Fault(path, "is larger than 64 MiB: no pattern is");
  return text;
}

absl::StatusOr<Matrix> ReadNpyMatrix(const std::string& path) {
  absl::StatusOr<NpyReader> reader = NpyReader::Open(path);
  if (!reader.ok()) return reader.status();
  const std::vector<std::size_t>& shape = reader->shape();
  if (shape.size() != 2) {
    return Fault(
        path, absl::StrCat("has the shape (", absl::StrJoin(shape, ", "), "), a pattern has two axes [layers, heads]",
                           shape.size() == 3 ? "; a pool of samples goes to `headscope rank --pool`" : ""));
  }
  if (reader->size() > kMaxPatternValues) {
    return Fault(path, absl::StrCat("has ", reader->size(), " values, at most ", kMaxPatternValues, " are taken"));
  }
  Matrix matrix{shape[0], shape[1], std::vector<double>(reader->size())};
  if (absl::Status status = reader->Read(matrix.values); !status.ok()) return status;
  return matrix;
}

absl::StatusOr<Matrix> MatrixOf(const std::string& path, const Json& json) {
  Matrix matrix;
  if (!json.is_array()) return Fault(path, "wanted an array of layers, each an array of numbers");
  for (const Json& row : json) {
    if (!row.is_array() || (matrix.rows > 0 && row.size() != matrix.columns)) {
      return Fault(path, absl::StrCat("layer ", matrix.rows, " is no array of as many numbers as the first"));
    }
    matrix.columns = row.size();
    for (const Json& value : row) {
      if (!value.is_number()) {
        return Fault(path, absl::StrCat("layer ", matrix.rows, " holds something that is no number"));
      }
      matrix.values.push_back(value.get<double>());
    }
    ++matrix.rows;
  }
  return matrix;
}

std::string TextAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// A count at `key`; 0 where it is not there or null.
absl::Status ReadCount(const std::string& path, const Json& json, const char* key, std::uint64_t most,
                       std::uint64_t& count) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most) {
    return Fault(path, absl::StrCat("\"", key, "\" is no whole number from 0 to ", most));
  }
  count = found->get<std::uint64_t>();
  return absl::OkStatus();
}

// The model, where the file says it.
absl::Status ReadModel(const std::string& path, const Json& json, client::PatternModel& model) {
  if (const auto found = json.find("model"); found != json.end() && found->is_object()) {
    model.name = TextAt(*found, "name");
    const std::string digest = TextAt(*found, "digest");
    constexpr std::string_view kScheme = "sha256:";
    if (digest.starts_with(kScheme)) model.digest = DigestFromHex(digest.substr(kScheme.size()));
    if (!digest.empty() && model.digest.empty()) return Fault(path, "the model's digest is not sha256:<64 hex digits>");
  }
  const auto provenance = json.find("provenance");
  if (provenance == json.end() || !provenance->is_object()) return absl::OkStatus();
  model.family = TextAt(*provenance, "family");
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t kv_heads = 0, head_dim = 0;
  absl::Status status = ReadCount(path, *provenance, "kv_heads", kMost, kv_heads);
  status.Update(ReadCount(path, *provenance, "head_dim", kMost, head_dim));
  model.kv_heads = static_cast<std::uint32_t>(kv_heads);
  model.head_dim = static_cast<std::uint32_t>(head_dim);
  return status;
}

// What an export says beside the values.
absl::Status ReadFacts(const std::string& path, const Json& json, PatternFile& file) {
  file.display_name = TextAt(json, "display_name");
  file.origin = TextAt(json, "origin");
  if (const auto labels = json.find("labels"); labels != json.end() && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      if (!value.is_string()) return Fault(path, absl::StrCat("the label \"", key, "\" is no text"));
      file.labels[key] = value.get<std::string>();
    }
  }
  if (absl::Status status = ReadModel(path, json, file.pattern.model); !status.ok()) return status;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return ReadCount(path, json, "samples_scored", kMost, file.samples_scored);
}

absl::Status ReadJson(const std::string& path, PatternFile& file) {
  InlinePattern& pattern = file.pattern;
  const absl::StatusOr<std::string> text = ReadText(path);
  if (!text.ok()) return text.status();
  const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Fault(path, "is not JSON");
  const bool wrapped = json.is_object();
  if (wrapped && !json.contains("pattern")) return Fault(path, "has no key \"pattern\"");
  absl::StatusOr<Matrix> values = MatrixOf(path, wrapped ? json["pattern"] : json);
  if (!values.ok()) return values.status();
  pattern.values = *std::move(values);
  if (!wrapped) return absl::OkStatus();
  if (absl::Status status = ReadFacts(path, json, file); !status.ok()) return status;
  const auto error = json.find("standard_error");
  if (error == json.end() || error->is_null()) return absl::OkStatus();
  absl::StatusOr<Matrix> errors = MatrixOf(path, *error);
  if (!errors.ok()) return errors.status();
  pattern.standard_error = *std::move(errors);
  return absl::OkStatus();
}

struct CsvRow {
  std::size_t layer = 0;
  std::size_t head = 0;
  double value = 0;
  std::optional<double> error;
};

std::optional<CsvRow> ParseCsvRow(absl::string_view line) {
  const std::vector<absl::string_view> cells = absl::StrSplit(line, ',');
  CsvRow row;
  if (cells.size() < 3 || cells.size() > 4 || !absl::SimpleAtoi(cells[0], &row.layer) ||
      !absl::SimpleAtoi(cells[1], &row.head) || !absl::SimpleAtod(cells[2], &row.value)) {
    return std::nullopt;
  }
  if (row.layer >= kMaxPatternValues || row.head >= kMaxPatternValues) return std::nullopt;
  if (cells.size() < 4 || cells[3].empty()) return row;
  double error = 0;
  if (!absl::SimpleAtod(cells[3], &error)) return std::nullopt;
  row.error = error;
  return row;
}

absl::StatusOr<std::vector<CsvRow>> ParseCsv(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadText(path);
  if (!text.ok()) return text.status();
  std::vector<CsvRow> rows;
  std::size_t line_number = 0;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || (line_number == 1 && absl::StartsWith(line, "layer,head,value"))) continue;
    const std::optional<CsvRow> row = ParseCsvRow(line);
    if (!row) return Fault(absl::StrCat(path, ":", line_number), "wanted layer,head,value[,standard_error]");
    rows.push_back(*row);
  }
  return rows;
}

absl::Status ReadCsv(const std::string& path, InlinePattern& pattern) {
  const absl::StatusOr<std::vector<CsvRow>> rows = ParseCsv(path);
  if (!rows.ok()) return rows.status();
  Matrix& values = pattern.values;
  bool with_errors = !rows->empty();
  for (const CsvRow& row : *rows) {
    values.rows = std::max(values.rows, row.layer + 1);
    values.columns = std::max(values.columns, row.head + 1);
    with_errors = with_errors && row.error.has_value();
  }
  if (values.rows * values.columns != rows->size()) {
    return Fault(path, absl::StrCat("has ", rows->size(), " rows for ", values.rows, " layers of ", values.columns,
                                    " heads: every head is needed once"));
  }
  values.values.assign(rows->size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<bool> given(rows->size());
  Matrix errors = values;
  for (const CsvRow& row : *rows) {
    const std::size_t at = row.layer * values.columns + row.head;
    if (given[at]) return Fault(path, absl::StrCat("layer ", row.layer, " head ", row.head, " stands there twice"));
    given[at] = true;
    values.values[at] = row.value;
    errors.values[at] = row.error.value_or(0);
  }
  if (with_errors) pattern.standard_error = std::move(errors);
  return absl::OkStatus();
}

absl::Status ReadValues(const std::string& path, PatternFile& file) {
  InlinePattern& pattern = file.pattern;
  if (absl::EndsWith(path, ".json")) return ReadJson(path, file);
  if (absl::EndsWith(path, ".csv")) return ReadCsv(path, pattern);
  if (!absl::EndsWith(path, ".npy")) return Fault(path, "a pattern's file ends in .npy, .json or .csv");
  absl::StatusOr<Matrix> matrix = ReadNpyMatrix(path);
  if (!matrix.ok()) return matrix.status();
  pattern.values = *std::move(matrix);
  return absl::OkStatus();
}

}  // namespace

bool NamesPatternFile(const std::string& argument) {
  if (absl::EndsWith(argument, ".npy") || absl::EndsWith(argument, ".json") || absl::EndsWith(argument, ".csv")) {
    return true;
  }
  return argument.find('/') != std::string::npos && !absl::StartsWith(argument, "jobs/") &&
         !absl::StartsWith(argument, "patterns/");
}

absl::StatusOr<PatternFile> ReadWholePatternFile(const std::string& path) {
  PatternFile file;
  InlinePattern& pattern = file.pattern;
  pattern.label = path.size() <= kMaxDisplayNameBytes ? path : std::filesystem::path(path).filename().string();
  if (absl::Status status = ReadValues(path, file); !status.ok()) return status;
  if (absl::Status status = CheckMatrix(path, pattern.values); !status.ok()) return status;
  const auto& error = pattern.standard_error;
  if (error && (error->rows != pattern.values.rows || error->columns != pattern.values.columns)) {
    return Fault(path, "the standard error has another shape than the pattern");
  }
  return file;
}

absl::StatusOr<InlinePattern> ReadPatternFile(const std::string& path) {
  absl::StatusOr<PatternFile> file = ReadWholePatternFile(path);
  if (!file.ok()) return file.status();
  return std::move(file->pattern);
}

std::string PatternCsv(const Matrix& values, const Matrix* error) {
  std::string text = "layer,head,value,standard_error\n";
  for (std::size_t layer = 0; layer < values.rows; ++layer) {
    for (std::size_t head = 0; head < values.columns; ++head) {
      absl::StrAppend(&text, layer, ",", head, ",", ExactNumber(values.At(layer, head)), ",",
                      error != nullptr ? ExactNumber(error->At(layer, head)) : "", "\n");
    }
  }
  return text;
}

}  // namespace headscope::cli
