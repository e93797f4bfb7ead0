// What can be said of one model directory, or of an adapter's and its base's together: its entry and its digests.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/runtime/adapter_base.h"
#include "worker/runtime/model_digest.h"
#include "worker/runtime/model_entry.h"
#include "worker/runtime/model_files.h"

namespace headscope::worker {

// The files of a model as they stood. Two equal ones mean the same content.
struct ModelStamps {
  std::vector<FileStamp> own;
  // Of an adapter: its base's name and files; empty otherwise.
  std::string base;
  std::vector<FileStamp> of_base;

  friend bool operator==(const ModelStamps&, const ModelStamps&) = default;
};

// The stamp of that name; null when there is none.
const FileStamp* FindStamp(const std::vector<FileStamp>& stamps, const std::string& name);

// Whether the files of a tokenizer are among them: tokenizer.json, or vocab.json and merges.txt.
bool HasTokenizer(const std::vector<FileStamp>& stamps);

// Looks at the files of model `name`, and finds its base where it is an adapter. Errors: those of StampModelFiles,
// ParseAdapterConfig and FindBase.
absl::StatusOr<ModelStamps> StampModel(const std::string& name, const BaseCandidates& candidates);

// Describes model `name` beneath `root`, whose files are `stamps`: all of its entry but digests and tokenizer, for a
// worker that computes on `device`. Errors: those of DescribeModel and DescribeAdapter.
absl::StatusOr<ModelEntry> DescribeEntry(const std::string& name, const ModelStamps& stamps, const std::string& root,
                                         const std::string& device);

struct EntryDigests {
  // SHA-256, 32 raw bytes each. An adapter's covers its base's.
  std::string model;
  std::string tokenizer;
  // Of an adapter's base; empty otherwise.
  std::string base;
};

// Hashes what `entry`, whose files are `stamps`, is made of. Errors: those of ModelDigests.
absl::StatusOr<EntryDigests> HashEntry(const ModelEntry& entry, const ModelStamps& stamps, const std::string& root,
                                       ModelDigests& digests, const CancelCheck& cancelled);

}  // namespace headscope::worker
