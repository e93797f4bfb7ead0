#include "worker/model/tokenizer/metaspace_pre_tokenizer.h"

#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

class MetaspacePreTokenizer : public PreTokenizer {
 public:
  explicit MetaspacePreTokenizer(MetaspaceOptions options) : options_(std::move(options)) {}

  absl::Status Split(const Piece& piece, std::vector<Piece>& pieces) const override {
    std::string text = absl::StrReplaceAll(piece.text, {{" ", options_.replacement}});
    const bool wants_prefix =
        options_.prepend == PrependScheme::kAlways || (options_.prepend == PrependScheme::kFirst && piece.starts_text);
    if (wants_prefix && !absl::StartsWith(text, options_.replacement)) text.insert(0, options_.replacement);
    if (!options_.split) {
      pieces.push_back({.text = std::move(text), .starts_text = piece.starts_text});
      return absl::OkStatus();
    }
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find(options_.replacement, begin + 1), text.size());
      pieces.push_back({.text = text.substr(begin, end - begin), .starts_text = piece.starts_text && begin == 0});
      begin = end;
    }
    return absl::OkStatus();
  }

  bool MindsStart() const override { return options_.prepend == PrependScheme::kFirst; }

 private:
  const MetaspaceOptions options_;
};

absl::StatusOr<PrependScheme> ReadPrependScheme(const Component& component) {
  const auto name = OptionalString(*component.json, "prepend_scheme", component.path);
  if (!name.ok()) return name.status();
  const auto add_prefix_space = OptionalBool(*component.json, "add_prefix_space", true, component.path);
  if (!add_prefix_space.ok()) return add_prefix_space.status();
  if (!*add_prefix_space && !name->empty() && *name != "never") {
    return Malformed(component.path, absl::StrCat("has add_prefix_space false and prepend_scheme ", Quoted(*name)));
  }
  if (!*add_prefix_space || *name == "never") return PrependScheme::kNever;
  if (name->empty() || *name == "always") return PrependScheme::kAlways;
  if (*name == "first") return PrependScheme::kFirst;
  return Unsupported(component.path + ".prepend_scheme", Quoted(*name));
}

}  // namespace

absl::StatusOr<MetaspaceOptions> ReadMetaspaceOptions(const Component& component) {
  auto replacement = RequireString(*component.json, "replacement", component.path);
  if (!replacement.ok()) return replacement.status();
  if (replacement->empty() || ReadUtf8(*replacement, 0).size != replacement->size()) {
    return Malformed(component.path + ".replacement",
                     absl::StrCat("is ", Quoted(*replacement), ", one character is wanted"));
  }
  const auto prepend = ReadPrependScheme(component);
  if (!prepend.ok()) return prepend.status();
  const auto split = OptionalBool(*component.json, "split", true, component.path);
  if (!split.ok()) return split.status();
  return MetaspaceOptions{.replacement = *std::move(replacement), .prepend = *prepend, .split = *split};
}

absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadMetaspacePreTokenizer(const Component& component) {
  auto options = ReadMetaspaceOptions(component);
  if (!options.ok()) return options.status();
  return std::make_unique<const MetaspacePreTokenizer>(*std::move(options));
}

}  // namespace headscope::worker::tokenization
