#include "worker/model/tokenizer/sentence_piece_decoders.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "worker/model/tokenizer/metaspace_pre_tokenizer.h"
#include "worker/model/tokenizer/text_replacer.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

using Parts = std::vector<std::string>;
using Step = std::unique_ptr<const TokenDecoder>;

constexpr char kReplacement[] = "\xEF\xBF\xBD";

// The byte that a token <0xNN> stands for.
std::optional<char> ByteOf(const std::string& token) {
  if (token.size() != 6 || !absl::StartsWith(token, "<0x") || token.back() != '>') return std::nullopt;
  if (!absl::ascii_isxdigit(token[3]) || !absl::ascii_isxdigit(token[4])) return std::nullopt;
  return static_cast<char>(std::stoi(token.substr(3, 2), nullptr, 16));
}

class ByteFallbackDecoder : public TokenDecoder {
 public:
  absl::StatusOr<Parts> Decode(Parts parts) const override {
    Parts decoded;
    std::string bytes;
    for (std::string& part : parts) {
      if (const auto byte = ByteOf(part); byte.has_value()) {
        bytes.push_back(*byte);
        continue;
      }
      AppendBytes(bytes, decoded);
      decoded.push_back(std::move(part));
    }
    AppendBytes(bytes, decoded);
    return decoded;
  }

 private:
  static void AppendBytes(std::string& bytes, Parts& decoded) {
    if (!bytes.empty() && !FindInvalidUtf8(bytes).has_value()) {
      decoded.push_back(bytes);
    } else {
      decoded.insert(decoded.end(), bytes.size(), kReplacement);
    }
    bytes.clear();
  }
};

class FuseDecoder : public TokenDecoder {
 public:
  absl::StatusOr<Parts> Decode(Parts parts) const override { return Parts{absl::StrJoin(parts, "")}; }
};

class MetaspaceDecoder : public TokenDecoder {
 public:
  explicit MetaspaceDecoder(MetaspaceOptions options) : options_(std::move(options)) {}

  absl::StatusOr<Parts> Decode(Parts parts) const override {
    for (std::size_t index = 0; index < parts.size(); ++index) {
      const bool goes = index == 0 && options_.prepend != PrependScheme::kNever;
      parts[index] = absl::StrReplaceAll(parts[index], {{options_.replacement, goes ? "" : " "}});
    }
    return parts;
  }

 private:
  const MetaspaceOptions options_;
};

class ReplaceDecoder : public TokenDecoder {
 public:
  explicit ReplaceDecoder(TextReplacer replacer) : replacer_(std::move(replacer)) {}

  absl::StatusOr<Parts> Decode(Parts parts) const override {
    // A chain of them could double the text without end.
    std::size_t bytes_left = std::size_t{256} << 20;
    for (std::string& part : parts) {
      auto replaced = replacer_.Replace(part, bytes_left);
      if (!replaced.ok()) return replaced.status();
      part = *std::move(replaced);
      bytes_left -= part.size();
    }
    return parts;
  }

 private:
  const TextReplacer replacer_;
};

class StripDecoder : public TokenDecoder {
 public:
  StripDecoder(std::string content, std::uint64_t start, std::uint64_t stop)
      : content_(std::move(content)), start_(start), stop_(stop) {}

  absl::StatusOr<Parts> Decode(Parts parts) const override {
    for (std::string& part : parts) {
      std::string_view rest = part;
      for (std::uint64_t count = 0; count < start_ && rest.substr(0, content_.size()) == content_; ++count) {
        rest.remove_prefix(content_.size());
      }
      for (std::uint64_t count = 0; count < stop_ && absl::EndsWith({rest.data(), rest.size()}, content_); ++count) {
        rest.remove_suffix(content_.size());
      }
      part = std::string(rest);
    }
    return parts;
  }

 private:
  const std::string content_;
  const std::uint64_t start_;
  const std::uint64_t stop_;
};

absl::StatusOr<std::uint64_t> ReadCount(const Component& component, const char* key) {
  const Json* value = FindField(*component.json, key);
  if (value != nullptr && value->is_number_integer() && *value >= 0) return value->get<std::uint64_t>();
  return Malformed(absl::StrCat(component.path, ".", key), "is no count of characters");
}

}  // namespace

absl::StatusOr<Step> LoadByteFallbackDecoder(const Component& /*component*/) {
  return std::make_unique<const ByteFallbackDecoder>();
}

absl::StatusOr<Step> LoadFuseDecoder(const Component& /*component*/) { return std::make_unique<const FuseDecoder>(); }

absl::StatusOr<Step> LoadMetaspaceDecoder(const Component& component) {
  auto options = ReadMetaspaceOptions(component);
  if (!options.ok()) return options.status();
  return std::make_unique<const MetaspaceDecoder>(*std::move(options));
}

absl::StatusOr<Step> LoadReplaceDecoder(const Component& component) {
  auto replacer = TextReplacer::Load(component);
  if (!replacer.ok()) return replacer.status();
  return std::make_unique<const ReplaceDecoder>(*std::move(replacer));
}

absl::StatusOr<Step> LoadStripDecoder(const Component& component) {
  auto content = RequireString(*component.json, "content", component.path);
  if (!content.ok()) return content.status();
  if (content->empty() || ReadUtf8(*content, 0).size != content->size()) {
    return Malformed(component.path + ".content", absl::StrCat("is ", Quoted(*content), ", one character is wanted"));
  }
  const auto start = ReadCount(component, "start");
  if (!start.ok()) return start.status();
  const auto stop = ReadCount(component, "stop");
  if (!stop.ok()) return stop.status();
  return std::make_unique<const StripDecoder>(*std::move(content), *start, *stop);
}

}  // namespace headscope::worker::tokenization
