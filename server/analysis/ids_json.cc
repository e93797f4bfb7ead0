#include "server/analysis/ids_json.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace headscope::server {
namespace {

constexpr std::size_t kMeasureBytes = 64 << 10;

// Ids are UTF-8 without exception: only what JSON forbids in a string is escaped.
void AppendQuoted(const std::string& text, std::string& json) {
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&json, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      json += c;
    }
  }
  json += '"';
}

}  // namespace

absl::StatusOr<std::uint64_t> IdsJson::Measure(BlobReader& dataset, const std::vector<ResultShard>& shards) {
  IdsJson json(dataset, shards);
  std::uint64_t size = 0;
  for (;;) {
    const absl::StatusOr<std::string> piece = json.Next(kMeasureBytes);
    if (!piece.ok()) return piece.status();
    if (piece->empty()) return size;
    size += piece->size();
  }
}

absl::Status IdsJson::Advance() {
  while (shard_ < shards_.size() && row_ == shards_[shard_].samples.size()) {
    ++shard_;
    row_ = 0;
  }
  if (shard_ == shards_.size()) {
    pending_ += opened_ ? "]" : "[]";
    closed_ = true;
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string> id = ids_.At(shards_[shard_].samples[row_++]);
  if (!id.ok()) return id.status();
  pending_ += opened_ ? ',' : '[';
  opened_ = true;
  AppendQuoted(*id, pending_);
  return absl::OkStatus();
}

absl::StatusOr<std::string> IdsJson::Next(std::size_t max_bytes) {
  while (!closed_ && pending_.size() < max_bytes) {
    if (absl::Status status = Advance(); !status.ok()) return status;
  }
  const std::size_t size = std::min(max_bytes, pending_.size());
  std::string piece = pending_.substr(0, size);
  pending_.erase(0, size);
  return piece;
}

}  // namespace headscope::server
