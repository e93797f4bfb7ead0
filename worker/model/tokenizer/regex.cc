#include "worker/model/tokenizer/regex.h"

#include <oniguruma.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
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

// Processor time that this thread has used.
std::chrono::nanoseconds ThreadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The searches of one text. Each may take a number of steps back that grows with the text; the engine does not count
// steps forward, so a pattern that runs over the same stretch again and again is stopped by processor time, a hundred
// times of what sane patterns take.
class Searches {
 public:
  Searches(regex_t* code, std::string_view text)
      : code_(code),
        text_(text),
        deadline_(ThreadTime() + std::chrono::seconds(2) + std::chrono::microseconds(4) * text.size()),
        region_(onig_region_new()),
        limits_(onig_new_match_param()) {
    const std::uint64_t steps = 10'000'000 + 64 * static_cast<std::uint64_t>(text.size());
    // A greedy run keeps a few entries for each character.
    const std::uint64_t stack = 4096 + 8 * static_cast<std::uint64_t>(text.size());
    onig_initialize_match_param(limits_);
    onig_set_retry_limit_in_match_of_match_param(limits_, steps);
    onig_set_retry_limit_in_search_of_match_param(limits_, steps);
    onig_set_match_stack_limit_size_of_match_param(
        limits_, static_cast<unsigned int>(std::min<std::uint64_t>(stack, 0xFFFF'FFFFu)));
  }
  ~Searches() {
    onig_free_match_param(limits_);
    onig_region_free(region_, 1);
  }
  Searches(const Searches&) = delete;
  Searches& operator=(const Searches&) = delete;

  // The first match at or behind `offset`.
  absl::StatusOr<std::optional<Stretch>> Find(std::size_t offset) {
    if (++count_ % 64 == 0 && ThreadTime() > deadline_) return GiveUp(offset, "it takes too much time");
    const OnigUChar* begin = Bytes(text_);
    const OnigUChar* end = begin + text_.size();
    const int result =
        onig_search_with_param(code_, begin, end, begin + offset, end, region_, ONIG_OPTION_NONE, limits_);
    if (result == ONIG_MISMATCH) return std::optional<Stretch>();
    if (result < 0) return GiveUp(offset, ErrorText(result, nullptr));
    return std::optional<Stretch>({.begin = static_cast<std::size_t>(region_->beg[0]),
                                   .end = static_cast<std::size_t>(region_->end[0]),
                                   .matched = true});
  }

 private:
  absl::Status GiveUp(std::size_t offset, std::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat("the pattern gives up at byte ", offset, " of ", text_.size(), ": ",
                                                   std::string(why), "; send token_ids instead"));
  }

  regex_t* code_;
  std::string_view text_;
  std::chrono::nanoseconds deadline_;
  std::uint64_t count_ = 0;
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
