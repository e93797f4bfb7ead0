#include "worker/runtime/model_files.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "worker/model/json_strict.h"
#include "worker/model/weight_files.h"

namespace headscope::worker {
namespace {

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr std::int64_t kMaxIndexBytes = 100'000'000;
constexpr int kIndexDepth = 8;
constexpr const char* kTokenizerFiles[] = {
    "added_tokens.json",       "config.json",    "generation_config.json", "merges.txt",
    "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",  "vocab.json"};
// An adapter that appears beside a model makes it another one, and one that is refused.
constexpr const char* kAdapterFiles[] = {"adapter_config.json", "adapter_model.safetensors"};

// Shards that the index names; none when it cannot be understood or names too many, which describing the model reports.
std::set<std::string> ShardsOf(const ModelDirectory& directory) {
  std::set<std::string> shards;
  const absl::StatusOr<std::string> text = directory.ReadText(kIndexFile, kMaxIndexBytes);
  if (!text.ok()) return shards;
  const absl::StatusOr<nlohmann::json> index = ParseStrictJson(*text, kIndexFile, kIndexDepth);
  if (!index.ok() || !index->is_object()) return shards;
  const auto map = index->find("weight_map");
  if (map == index->end() || !map->is_object()) return shards;
  for (const auto& file : *map) {
    if (file.is_string()) shards.insert(file.get<std::string>());
  }
  if (shards.size() > kMaxShardFiles) shards.clear();
  return shards;
}

absl::StatusOr<FileStamp> StampFile(const ModelDirectory& directory, const std::string& name) {
  // Opening checks where the file leads to and what it is.
  const absl::StatusOr<ModelFile> file = directory.OpenFile(name);
  if (!file.ok()) return file.status();
  return FileStamp{.name = name, .file = file->identity()};
}

}  // namespace

bool IsTokenizerFile(const std::string& name) {
  return std::find(std::begin(kTokenizerFiles), std::end(kTokenizerFiles), name) != std::end(kTokenizerFiles);
}

absl::StatusOr<std::vector<FileStamp>> StampModelFiles(const ModelDirectory& directory) {
  std::set<std::string> names(std::begin(kTokenizerFiles), std::end(kTokenizerFiles));
  names.insert(std::begin(kAdapterFiles), std::end(kAdapterFiles));
  if (directory.Contains(kSingleFile)) {
    names.insert(kSingleFile);
  } else if (directory.Contains(kIndexFile)) {
    names.insert(kIndexFile);
    names.merge(ShardsOf(directory));
  }
  std::vector<FileStamp> stamps;
  for (const std::string& name : names) {
    absl::StatusOr<FileStamp> stamp = StampFile(directory, name);
    if (absl::IsNotFound(stamp.status())) continue;
    if (!stamp.ok()) return stamp.status();
    stamps.push_back(*std::move(stamp));
  }
  return stamps;
}

}  // namespace headscope::worker
