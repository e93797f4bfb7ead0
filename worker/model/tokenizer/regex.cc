#include "worker/model/tokenizer/regex.h"

#include <oniguruma.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 << 10;

const OnigUChar* Bytes(std::string_view text) { return reinterpret_cast<const OnigUChar*>(text.data()); }

std::string ErrorText(int code, OnigErrorInfo* info) {
  std::array<OnigUChar, ONIG_MAX_ERROR_MESSAGE_LEN> buffer{};
  const int size =
      info == nullptr ? onig_error_code_to_str(buffer.data(), code) : onig_error_code_to_str(buffer.data(), code, info);
  return std::string(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(std::max(size, 0)));
}

void InitializeOnce() {
  static const int initialized = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
  }();
  static_cast<void>(initialized);
}

bool RanOutOfSteps(int result) {
  return result == ONIGERR_RETRY_LIMIT_IN_MATCH_OVER || result == ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER ||
         result == ONIGERR_MATCH_STACK_LIMIT_OVER;
}

// The searches of one text. The engine limits the steps of a search but does not tell how many it took, so a search
// begins with a few, which are free, and is repeated with four times as many as long as those are not enough; what it
// is given then is charged to a budget that grows with the text.
class Searches {
 public:
  Searches(regex_t* code, std::string_view text)
      : code_(code),
        text_(text),
        budget_(10'000'000 + 64 * static_cast<std::uint64_t>(text.size())),
        // A greedy run keeps a few entries for each character; the stack's memory is bounded more tightly than steps.
        max_stack_(4096 + 8 * static_cast<std::uint64_t>(text.size())),
        region_(onig_region_new()),
        limits_(onig_new_match_param()) {
    onig_initialize_match_param(limits_);
  }
  ~Searches() {
    onig_free_match_param(limits_);
    onig_region_free(region_, 1);
  }
  Searches(const Searches&) = delete;
  Searches& operator=(const Searches&) = delete;

  // The first match at or behind `offset`.
  absl::StatusOr<std::optional<Stretch>> Find(std::size_t offset) {
    int result = Search(offset, kFreeSteps);
    for (std::uint64_t steps = 4 * kFreeSteps; RanOutOfSteps(result) && steps <= budget_; steps *= 4) {
      budget_ -= steps;
      result = Search(offset, steps);
    }
    if (result == ONIG_MISMATCH) return std::optional<Stretch>();
    if (result < 0) {
      return absl::InvalidArgumentError(absl::StrCat("the pattern gives up at byte ", offset, " of ", text_.size(),
                                                     ": ", ErrorText(result, nullptr), "; send token_ids instead"));
    }
    return std::optional<Stretch>({.begin = static_cast<std::size_t>(region_->beg[0]),
                                   .end = static_cast<std::size_t>(region_->end[0]),
                                   .matched = true});
  }

 private:
  static constexpr std::uint64_t kFreeSteps = 256;

  int Search(std::size_t offset, std::uint64_t steps) {
    onig_set_retry_limit_in_match_of_match_param(limits_, steps);
    onig_set_retry_limit_in_search_of_match_param(limits_, steps);
    const std::uint64_t stack = std::min<std::uint64_t>({steps, max_stack_, 0xFFFF'FFFFu});
    onig_set_match_stack_limit_size_of_match_param(limits_, static_cast<unsigned int>(stack));
    const OnigUChar* begin = Bytes(text_);
    const OnigUChar* end = begin + text_.size();
    return onig_search_with_param(code_, begin, end, begin + offset, end, region_, ONIG_OPTION_NONE, limits_);
  }

  regex_t* code_;
  std::string_view text_;
  std::uint64_t budget_;
  std::uint64_t max_stack_;
  OnigRegion* region_;
  OnigMatchParam* limits_;
};

}  // namespace

void Regex::FreeCode::operator()(re_pattern_buffer* code) const { onig_free(code); }

absl::StatusOr<Regex> Regex::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pattern has ", pattern.size(), " bytes, at most ", kMaxPatternBytes, " are compiled"));
  }
  InitializeOnce();
  regex_t* code = nullptr;
  OnigErrorInfo info{};
  const int result = onig_new(&code, Bytes(pattern), Bytes(pattern) + pattern.size(), ONIG_OPTION_NONE,
                              ONIG_ENCODING_UTF8, ONIG_SYNTAX_DEFAULT, &info);
  if (result != ONIG_NORMAL) return absl::InvalidArgumentError(ErrorText(result, &info));
  return Regex(std::unique_ptr<re_pattern_buffer, FreeCode>(code));
}

absl::StatusOr<std::vector<Stretch>> Regex::Cut(std::string_view text) const {
  std::vector<Stretch> stretches;
  if (text.empty()) return stretches;
  Searches searches(code_.get(), text);
  std::size_t done = 0;
  std::optional<std::size_t> last_end;
  for (std::size_t at = 0; at <= text.size();) {
    const auto found = searches.Find(at);
    if (!found.ok()) return found.status();
    if (!found->has_value()) break;
    const Stretch match = **found;
    // An empty match right behind the last one would be found for ever.
    if (match.begin == match.end && last_end == match.end) {
      at += at < text.size() ? ReadUtf8(text, at).size : 1;
      continue;
    }
    if (match.begin > done) stretches.push_back({.begin = done, .end = match.begin});
    stretches.push_back(match);
    at = done = match.end;
    last_end = match.end;
  }
  if (done < text.size()) stretches.push_back({.begin = done, .end = text.size()});
  return stretches;
}

bool Regex::MatchesStart(std::string_view text) const {
  const OnigUChar* begin = Bytes(text);
  const OnigUChar* end = begin + text.size();
  return onig_match(code_.get(), begin, end, begin, nullptr, ONIG_OPTION_NONE) >= 0;
}

std::string EscapePattern(std::string_view text) {
  constexpr std::string_view kSpecial = R"(\.+*?()|[]{}^$#&-~)";
  std::string pattern;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern;
}

}  // namespace headscope::worker::tokenization
