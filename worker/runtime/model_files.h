// Which files of a model directory are read, and how a change of them is noticed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/model_directory.h"

namespace headscope::worker {

// One file as it stood when looked at. Two equal stamps mean the same content.
struct FileStamp {
  // Plain file name in the model directory.
  std::string name;
  FileIdentity file;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Stamps of every file of `directory` that decides what the model is, by name: configs, tokenizer, an adapter, and
// `model.safetensors` or else its index and the shards that it names. Files that may be absent and are not there are
// left out, missing shards too (loading says so). Errors: PERMISSION_DENIED when a file leads out of the root,
// INVALID_ARGUMENT for what is no regular file, UNAVAILABLE for what cannot be opened at the moment.
absl::StatusOr<std::vector<FileStamp>> StampModelFiles(const ModelDirectory& directory);

// Whether what a text becomes depends on the file: the tokenizer itself, the files that name the end-of-sequence token,
// and config.json, which bounds positions and vocabulary.
bool IsTokenizerFile(const std::string& name);

}  // namespace headscope::worker
