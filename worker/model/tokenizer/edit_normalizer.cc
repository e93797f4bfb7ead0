#include "worker/model/tokenizer/edit_normalizer.h"

#include <utility>

#include "worker/model/tokenizer/characters.h"
#include "worker/model/tokenizer/text_replacer.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

using Step = std::unique_ptr<const Normalizer>;

class PrependNormalizer : public Normalizer {
 public:
  explicit PrependNormalizer(std::string prepend) : prepend_(std::move(prepend)) {}

  absl::StatusOr<std::string> Normalize(std::string text, std::size_t /*max_bytes*/) const override {
    return text.empty() ? text : prepend_ + text;
  }
  bool KeepsStart() const override { return false; }

 private:
  const std::string prepend_;
};

class ReplaceNormalizer : public Normalizer {
 public:
  explicit ReplaceNormalizer(TextReplacer replacer) : replacer_(std::move(replacer)) {}

  absl::StatusOr<std::string> Normalize(std::string text, std::size_t max_bytes) const override {
    return replacer_.Replace(text, max_bytes);
  }
  bool KeepsStart() const override { return replacer_.KeepsStart(); }

 private:
  const TextReplacer replacer_;
};

class StripNormalizer : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}

  absl::StatusOr<std::string> Normalize(std::string text, std::size_t /*max_bytes*/) const override {
    const std::size_t end = right_ ? SkipSpaceLeft(text, text.size(), 0) : text.size();
    const std::size_t begin = left_ ? SkipSpaceRight(text, 0) : 0;
    return begin < end ? text.substr(begin, end - begin) : std::string();
  }
  bool KeepsStart() const override { return !left_; }

 private:
  const bool left_;
  const bool right_;
};

}  // namespace

absl::StatusOr<Step> LoadPrependNormalizer(const Component& component) {
  auto prepend = RequireString(*component.json, "prepend", component.path);
  if (!prepend.ok()) return prepend.status();
  return std::make_unique<const PrependNormalizer>(*std::move(prepend));
}

absl::StatusOr<Step> LoadReplaceNormalizer(const Component& component) {
  auto replacer = TextReplacer::Load(component);
  if (!replacer.ok()) return replacer.status();
  return std::make_unique<const ReplaceNormalizer>(*std::move(replacer));
}

absl::StatusOr<Step> LoadStripNormalizer(const Component& component) {
  const auto left = RequireBool(*component.json, "strip_left", component.path);
  if (!left.ok()) return left.status();
  const auto right = RequireBool(*component.json, "strip_right", component.path);
  if (!right.ok()) return right.status();
  return std::make_unique<const StripNormalizer>(*left, *right);
}

}  // namespace headscope::worker::tokenization
