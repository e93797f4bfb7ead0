#include "worker/tools/trainer/row_file.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

constexpr int kMaxJsonDepth = 64;

absl::StatusOr<Example> ParseRow(const std::string& line, const std::string& place) {
  const absl::StatusOr<nlohmann::json> row = ParseStrictJson(line, place, kMaxJsonDepth);
  if (!row.ok()) return row.status();
  Example example;
  for (const auto& [key, target] : {std::pair("prompt", &example.prompt), std::pair("response", &example.response)}) {
    if (!row->is_object() || !row->contains(key) || !(*row)[key].is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": wanted {\"prompt\": text, \"response\": text}, found no ", key, " that is text"));
    }
    *target = (*row)[key].get<std::string>();
  }
  return example;
}

}  // namespace

absl::StatusOr<std::vector<Example>> ReadRows(const std::string& path, std::int64_t limit) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<Example> rows;
  std::int64_t number = 0;
  for (std::string line; (limit == 0 || number < limit) && std::getline(file, line);) {
    absl::StatusOr<Example> row = ParseRow(line, absl::StrCat(path, ":", ++number));
    if (!row.ok()) return row.status();
    rows.push_back(*std::move(row));
  }
  if (rows.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " has no rows"));
  return rows;
}

absl::Status CheckCount(const std::string& task, const std::vector<Example>& examples, std::int64_t count) {
  if (static_cast<std::int64_t>(examples.size()) == count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("wanted ", count, " different examples of ", task, ", which has only ", examples.size()));
}

std::string RowsText(const std::string& task, const std::vector<Example>& examples) {
  std::string text;
  int number = 0;
  for (const Example& example : examples) {
    const nlohmann::ordered_json row = {
        {"id", absl::StrFormat("%s-%03d", task, ++number)}, {"prompt", example.prompt}, {"response", example.response}};
    absl::StrAppend(&text, row.dump(), "\n");
  }
  return text;
}

}  // namespace headscope::worker
