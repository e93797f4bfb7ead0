#include "worker/model/tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {
namespace {

std::string ErrorText(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

PCRE2_SPTR Bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

// Match state of one call: where the match lies, and how many steps may be spent on one match. A sane pattern needs a
// few steps per byte at most (a greedy run that is given back), so the limit grows with the text.
class MatchState {
 public:
  MatchState(const pcre2_code* code, std::size_t text_size)
      : data_(pcre2_match_data_create_from_pattern(code, nullptr)), context_(pcre2_match_context_create(nullptr)) {
    const std::uint64_t limit = 10'000'000 + 64 * static_cast<std::uint64_t>(text_size);
    pcre2_set_match_limit(context_, static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, 0xFFFF'FFFFu)));
  }
  ~MatchState() {
    pcre2_match_context_free(context_);
    pcre2_match_data_free(data_);
  }
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;

  // PCRE2's result of matching from `offset`. The compiled form is given up for the interpreter when its stack is
  // short.
  int Match(const pcre2_code* code, std::string_view text, std::size_t offset) {
    constexpr std::uint32_t kFlags = PCRE2_NO_UTF_CHECK;
    const int result = pcre2_match(code, Bytes(text), text.size(), offset, kFlags, data_, context_);
    if (result != PCRE2_ERROR_JIT_STACKLIMIT) return result;
    return pcre2_match(code, Bytes(text), text.size(), offset, kFlags | PCRE2_NO_JIT, data_, context_);
  }
  std::size_t begin() const { return pcre2_get_ovector_pointer(data_)[0]; }
  std::size_t end() const { return pcre2_get_ovector_pointer(data_)[1]; }

 private:
  pcre2_match_data* data_;
  pcre2_match_context* context_;
};

}  // namespace

void Regex::FreeCode::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

absl::StatusOr<Regex> Regex::Compile(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  std::unique_ptr<pcre2_real_code_8, FreeCode> code(
      pcre2_compile(Bytes(pattern), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr));
  if (code == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("at offset ", offset, ": ", ErrorText(error)));
  }
  std::uint32_t matches_empty = 0;
  pcre2_pattern_info(code.get(), PCRE2_INFO_MATCHEMPTY, &matches_empty);
  if (matches_empty != 0) return absl::InvalidArgumentError("the pattern can match the empty string");
  // Where the platform forbids making code, the interpreter does the same work more slowly.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return Regex(std::move(code));
}

absl::StatusOr<std::vector<std::string_view>> Regex::Isolate(std::string_view text) const {
  std::vector<std::string_view> pieces;
  MatchState state(code_.get(), text.size());
  std::size_t done = 0;
  while (done < text.size()) {
    const int result = state.Match(code_.get(), text, done);
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) {
      return absl::InvalidArgumentError(absl::StrCat("the split pattern gives up at byte ", done, " of ", text.size(),
                                                     ": ", ErrorText(result), "; send token_ids instead"));
    }
    if (state.begin() > done) pieces.push_back(text.substr(done, state.begin() - done));
    pieces.push_back(text.substr(state.begin(), state.end() - state.begin()));
    done = state.end();
  }
  if (done < text.size()) pieces.push_back(text.substr(done));
  return pieces;
}

bool Regex::Matches(std::string_view text) const {
  MatchState state(code_.get(), text.size());
  return state.Match(code_.get(), text, 0) >= 0;
}

}  // namespace headscope::worker::tokenization
