// Every model beneath the root: what it is, whether it can be used, and its content's digest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/support/model_order.h"
#include "worker/runtime/model_digest.h"
#include "worker/runtime/model_entry.h"
#include "worker/runtime/model_reader.h"
#include "worker/runtime/model_scan.h"

namespace headscope::worker {

struct CatalogueOptions {
  // The model root.
  std::string root;
  // Batches are recommended for: "cpu" or "cuda:N".
  std::string device = "cpu";
  ScanLimits limits = {};
  // How often the root is searched for changes.
  absl::Duration rescan_interval = absl::Seconds(5);
};

// Finds models, describes them, and hashes them on a thread of its own, so that neither a large root nor large weights
// delay the worker. What is wrong with a model's files stands in its entry until they change; what only keeps them from
// being read (rights, too many open files, a disk's errors) stands there until a later search finds it gone.
// Thread-safe.
class ModelCatalogue {
 public:
  // Searches the root once and describes what is there; nothing is hashed yet. NOT_FOUND when there is no such
  // directory.
  static absl::StatusOr<std::unique_ptr<ModelCatalogue>> Open(CatalogueOptions options);
  ~ModelCatalogue();

  // Starts the thread that hashes and searches again. `changed` is called on it after every change of the entries.
  void Start(std::function<void()> changed);
  // Ends the thread. Called by the destructor too.
  void Stop();

  // What the thread does, once: searches the root and describes what is new or changed. True when an entry changed.
  bool Rescan();
  // Completes one entry whose content is not hashed yet, the smallest first. False when there is none.
  bool CompleteNext();

  // In the order of ListedBefore.
  std::vector<ModelEntry> Entries() const;
  // Grows with every change of the entries.
  std::uint64_t version() const;
  // Canonical path of the root.
  const std::string& root() const { return options_.root; }

  // The entry of `name` as its files are now, complete with digests; hashes on the calling thread where that is still
  // to be done. Errors: NOT_FOUND (no such model, or no such file any more), FAILED_PRECONDITION (unsupported, and
  // why), CANCELLED; DATA_LOSS and UNAVAILABLE for what may pass.
  absl::StatusOr<ModelEntry> Resolve(const std::string& name, const CancelCheck& cancelled);
  // OK while the files of `name` are those that `entry`, made by Resolve, was made of; ABORTED otherwise. To be asked
  // after reading from them.
  absl::Status CheckUnchanged(const ModelEntry& entry);

 private:
  struct Record {
    ModelEntry entry;
    ModelStamps stamps;
    // Why it cannot be used, which entry.unsupported says too; OK where it can or where that is not known yet.
    absl::Status fault;
    // Digests and the tokenizer's check are there.
    bool complete = false;
    // The thread is to complete it.
    bool due = false;
  };

  using Records = std::map<std::string, Record, ListingOrder>;
  // What of a tokenizer.json does not depend on the model.
  struct TokenizerFacts {
    // Of the files that they were read from; empty where there are none.
    std::string digest;
    // Why it is not supported, or "".
    std::string fault;
    TokenizerComponents components;
  };

  explicit ModelCatalogue(CatalogueOptions options);
  BaseCandidates Candidates() const;
  Record Describe(const std::string& name) const;
  // `known` as its files are now: itself while they are the same and nothing is to be tried again.
  Record Refresh(const Record& known) const;
  absl::Status Complete(Record& record, const CancelCheck& cancelled);
  // An error where the tokenizer cannot be read at the moment.
  absl::StatusOr<TokenizerFacts> ReadTokenizerFacts(const Record& record, const CancelCheck& cancelled);
  // Puts `record` in place of the one of that name, if there is one.
  void Publish(const Record& record);
  void Loop();
  bool Stopping() const;

  const CatalogueOptions options_;
  ModelDigests digests_;
  std::function<void()> changed_;
  mutable absl::Mutex mutex_;
  Records records_ ABSL_GUARDED_BY(mutex_);
  // Names of all models, by the last search.
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t version_ ABSL_GUARDED_BY(mutex_) = 1;
  // By the digest of the tokenizer's files.
  std::map<std::string, TokenizerFacts> tokenizers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> notes_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace headscope::worker
