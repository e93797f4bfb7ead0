#include "worker/runtime/tokenizer_cache.h"

#include <algorithm>
#include <utility>

namespace headscope::worker {
namespace {

constexpr std::int64_t kMaxFileBytes = 128LL << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> ReadTokenizer(const ModelDirectory& directory) {
  return Tokenizer::Read([&](const std::string& name) { return directory.ReadText(name, kMaxFileBytes); });
}

absl::StatusOr<std::int32_t> TokenizerCache::EndOfSequence(const std::string& directory,
                                                           const Tokenizer& tokenizer) const {
  const absl::StatusOr<ModelDirectory> opened = ModelDirectory::Open(directory, root_);
  if (!opened.ok()) return opened.status();
  return FindEndOfSequence([&](const std::string& name) { return opened->ReadText(name, kMaxFileBytes); }, tokenizer);
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
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(model.directory, root_);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::unique_ptr<const Tokenizer>> loaded = ReadTokenizer(*directory);
  if (!loaded.ok()) return loaded.status();
  std::shared_ptr<const Tokenizer> tokenizer = *std::move(loaded);
  absl::MutexLock lock(&mutex_);
  items_.push_front({model.tokenizer_digest, tokenizer});
  if (items_.size() > capacity_) items_.pop_back();
  return tokenizer;
}

}  // namespace headscope::worker
