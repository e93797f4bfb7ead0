#include "server/service/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/strip.h"
#include "server/service/violations.h"

namespace headscope::server {
namespace {

constexpr char kMark[] = "after:";

}  // namespace

std::string PageTokenAfter(const std::string& last) { return absl::WebSafeBase64Escape(kMark + last); }

absl::StatusOr<std::string> LastOfPageToken(const std::string& token) {
  if (token.empty()) return std::string();
  std::string plain;
  if (absl::WebSafeBase64Unescape(token, &plain) && plain.starts_with(kMark)) return plain.substr(sizeof(kMark) - 1);
  Violations violations;
  violations.Add("page_token", "is not from an earlier answer", "BAD_PAGE_TOKEN");
  return violations.status();
}

}  // namespace headscope::server
