#include "server/store/page_token.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/sha256.h"

namespace headscope::server {
namespace {

// Enough to tell questions apart; nothing rests on its secrecy.
constexpr std::size_t kFingerprintBytes = 9;

std::string Fingerprint(const std::string& question) { return Sha256Of(question).substr(0, kFingerprintBytes); }

}  // namespace

std::string MakePageToken(const std::string& question, std::int64_t position) {
  return absl::WebSafeBase64Escape(absl::StrCat(Fingerprint(question), position));
}

absl::StatusOr<std::int64_t> ReadPageToken(const std::string& question, const std::string& token, std::int64_t start) {
  if (token.empty()) return start;
  std::string bytes;
  std::int64_t position = 0;
  const bool good = absl::WebSafeBase64Unescape(token, &bytes) && bytes.size() > kFingerprintBytes &&
                    absl::SimpleAtoi(bytes.substr(kFingerprintBytes), &position) &&
                    MakePageToken(question, position) == token;
  if (good) return position;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the page token is not one that an answer to this question gave; start again without one",
                   "BAD_PAGE_TOKEN");
}

std::uint32_t EffectivePageSize(std::uint32_t requested) {
  return requested == 0 ? kDefaultPageSize : std::min(requested, kMaxPageSize);
}

}  // namespace headscope::server
