#include "worker/runtime/model_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr std::int64_t kMaxIndexBytes = 100'000'000;
constexpr int kIndexDepth = 8;
constexpr const char* kTokenizerFiles[] = {"config.json", "generation_config.json", "tokenizer.json",
                                           "tokenizer_config.json"};

// Shards that the index names; none when it cannot be understood, which describing the model reports.
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
  return shards;
}

absl::StatusOr<FileStamp> StampFile(const ModelDirectory& directory, const std::string& name) {
  // Opening checks where the file leads to and what it is.
  const absl::StatusOr<ModelFile> file = directory.OpenFile(name);
  if (!file.ok()) return file.status();
  struct stat info = {};
  if (::stat(file->path().c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat(file->path(), ": ", std::strerror(errno)));
  }
  return FileStamp{.name = name,
                   .device = info.st_dev,
                   .inode = info.st_ino,
                   .size_bytes = info.st_size,
                   .modified_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
}

}  // namespace

bool IsTokenizerFile(const std::string& name) {
  return std::find(std::begin(kTokenizerFiles), std::end(kTokenizerFiles), name) != std::end(kTokenizerFiles);
}

absl::StatusOr<std::vector<FileStamp>> StampModelFiles(const ModelDirectory& directory) {
  std::set<std::string> names(std::begin(kTokenizerFiles), std::end(kTokenizerFiles));
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
