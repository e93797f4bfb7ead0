#include "worker/model/weight_files.h"

#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr int kIndexDepth = 8;
constexpr std::size_t kMaxFileNameBytes = 255;

// file -> names of its tensors, as the index says.
using WeightMap = std::map<std::string, std::vector<std::string>>;

bool IsPlainFileName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxFileNameBytes && name.front() != '.' &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

absl::Status IndexError(const std::string& text) {
  return absl::InvalidArgumentError(absl::StrCat(kIndexFile, ": ", text));
}

absl::StatusOr<WeightMap> ReadIndex(const ModelDirectory& directory) {
  const absl::StatusOr<std::string> text = directory.ReadText(kIndexFile, kMaxHeaderBytes);
  if (!text.ok()) return text.status();
  const absl::StatusOr<nlohmann::json> index = ParseStrictJson(*text, kIndexFile, kIndexDepth);
  if (!index.ok()) return index.status();
  if (!index->is_object() || !index->contains("weight_map") || !(*index)["weight_map"].is_object()) {
    return IndexError("needs an object \"weight_map\"");
  }
  WeightMap files;
  for (const auto& [tensor, file] : (*index)["weight_map"].items()) {
    if (!file.is_string() || !IsPlainFileName(file.get<std::string>())) {
      const std::string found = file.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
      return IndexError(absl::StrCat("tensor \"", Shortened(tensor, 80),
                                     "\" must name a plain file beside the index, found ", Shortened(found, 300)));
    }
    files[file.get<std::string>()].push_back(tensor);
  }
  if (files.empty()) return IndexError("names no tensors");
  if (files.size() > kMaxShardFiles) {
    return IndexError(absl::StrCat("names ", files.size(), " files, at most ", kMaxShardFiles,
                                   " are accepted; save the model in larger shards"));
  }
  return files;
}

absl::Status NoWeights(const ModelDirectory& directory) {
  for (const char* other : {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack"}) {
    if (!directory.Contains(other)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(directory.shown(), ": the weights are in ", other,
                     " only, and pickles and other formats are not read; convert them with transformers: "
                     "AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(NEW_DIR, safe_serialization=True)"));
  }
  return absl::NotFoundError(
      absl::StrCat(directory.shown(), ": neither ", kSingleFile, " nor ", kIndexFile, " is there"));
}

}  // namespace

absl::StatusOr<WeightFiles> WeightFiles::Open(const ModelDirectory& directory) {
  if (!directory.Contains(kSingleFile)) {
    return directory.Contains(kIndexFile) ? OpenSharded(directory) : NoWeights(directory);
  }
  absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(directory, kSingleFile);
  if (!file.ok()) return file.status();
  WeightFiles result;
  result.files_.push_back(std::make_unique<const SafetensorsFile>(*std::move(file)));
  for (const auto& [name, tensor] : result.files_[0]->header()) {
    result.tensors_[name] = {result.files_[0].get(), &tensor};
  }
  return result;
}

absl::StatusOr<WeightFiles> WeightFiles::OpenSharded(const ModelDirectory& directory) {
  const absl::StatusOr<WeightMap> index = ReadIndex(directory);
  if (!index.ok()) return index.status();
  WeightFiles result;
  for (const auto& [file_name, tensor_names] : *index) {
    absl::StatusOr<SafetensorsFile> opened = SafetensorsFile::Open(directory, file_name);
    if (!opened.ok()) return opened.status();
    const SafetensorsFile* file =
        result.files_.emplace_back(std::make_unique<const SafetensorsFile>(*std::move(opened))).get();
    for (const std::string& name : tensor_names) {
      const auto found = file->header().find(name);
      if (found == file->header().end()) {
        return IndexError(absl::StrCat("tensor \"", Shortened(name, 80), "\" is not in ", file_name));
      }
      result.tensors_[name] = {file, &found->second};
    }
    if (file->header().size() == tensor_names.size()) continue;
    for (const auto& [name, tensor] : file->header()) {
      const auto known = result.tensors_.find(name);
      if (known != result.tensors_.end() && known->second.file == file) continue;
      return IndexError(absl::StrCat(file_name, " has tensor \"", name, "\", which the index does not place there"));
    }
  }
  return result;
}

absl::Status WeightFiles::CheckSizes() const {
  for (const auto& file : files_) {
    const absl::Status status = file->file().CheckSize();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace headscope::worker
