#include "worker/runtime/tokenizer_cache.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker {

absl::StatusOr<std::unique_ptr<const Tokenizer>> ReadTokenizer(const ModelDirectory& directory) {
  return Tokenizer::Read([&](const std::string& name) { return directory.ReadText(name, kMaxTokenizerBytes); });
}

absl::StatusOr<std::int32_t> TokenizerCache::EndOfSequence(const ModelEntry& model, const Tokenizer& tokenizer) const {
  const auto find = [&](const std::string& path) -> absl::StatusOr<std::int32_t> {
    const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(path, root_);
    if (!directory.ok()) return directory.status();
    return FindEndOfSequence([&](const std::string& name) { return directory->ReadText(name, kMaxTokenizerBytes); },
                             tokenizer);
  };
  absl::StatusOr<std::int32_t> end = find(model.tokenizer_directory);
  // An adapter that brings a tokenizer may leave the rest to its base.
  if (absl::IsFailedPrecondition(end.status()) && model.adapter.has_value()) end = find(model.adapter->base_directory);
  return end;
}

absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerCache::Get(const ModelEntry& model) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = std::find_if(items_.begin(), items_.end(),
                                    [&](const Item& item) { return item.digest == model.tokenizer_digest; });
    if (found != items_.end()) {
      items_.splice(items_.begin(), items_, found);
      return items_.front().tokenizer;
    }
  }
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(model.tokenizer_directory, root_);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::unique_ptr<const Tokenizer>> loaded = ReadTokenizer(*directory);
  if (const absl::Status unchanged = unchanged_(model); !unchanged.ok()) return unchanged;
  if (!loaded.ok()) return loaded.status();
  std::shared_ptr<const Tokenizer> tokenizer = *std::move(loaded);
  absl::MutexLock lock(&mutex_);
  items_.push_front({model.tokenizer_digest, tokenizer});
  if (items_.size() > capacity_) items_.pop_back();
  return tokenizer;
}

}  // namespace headscope::worker
