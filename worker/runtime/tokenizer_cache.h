// Tokenizers in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "worker/model/model_directory.h"
#include "worker/model/tokenizer/tokenizer.h"
#include "worker/runtime/model_entry.h"

namespace headscope::worker {

// Of one file of a tokenizer.
inline constexpr std::int64_t kMaxTokenizerBytes = 128LL << 20;

// The tokenizer of a model directory, read beneath the directory's root only. Errors as Tokenizer::Read.
absl::StatusOr<std::unique_ptr<const Tokenizer>> ReadTokenizer(const ModelDirectory& directory);

// Keeps the tokenizers used last, by content. Thread-safe.
class TokenizerCache {
 public:
  // Whether the files of a model are still those of its digests.
  using CheckUnchanged = std::function<absl::Status(const ModelEntry& model)>;

  // `root` is the model root; at most `capacity` tokenizers are kept. `unchanged` is asked after files were read and
  // before others may find what was read.
  TokenizerCache(std::string root, std::size_t capacity, CheckUnchanged unchanged)
      : root_(std::move(root)), capacity_(capacity), unchanged_(std::move(unchanged)) {}

  // `model` is complete (ModelCatalogue::Resolve). Errors: those of reading, and of `unchanged`.
  absl::StatusOr<std::shared_ptr<const Tokenizer>> Get(const ModelEntry& model);
  // The end-of-sequence id of `model`, whose tokenizer `tokenizer` is; read beneath the root too. Errors as
  // FindEndOfSequence and ModelDirectory::Open.
  absl::StatusOr<std::int32_t> EndOfSequence(const ModelEntry& model, const Tokenizer& tokenizer) const;

 private:
  struct Item {
    std::string digest;
    std::shared_ptr<const Tokenizer> tokenizer;
  };

  const std::string root_;
  const std::size_t capacity_;
  const CheckUnchanged unchanged_;
  absl::Mutex mutex_;
  // Most recently used first.
  std::list<Item> items_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::worker
