#include "server/service/resource_names.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/support/limits.h"
#include "proto/support/sha256.h"
#include "proto/support/utf8.h"

namespace headscope::server {
namespace {

constexpr std::size_t kMaxIdBytes = 64;

std::string_view Bare(std::string_view name, std::string_view collection) {
  if (name.starts_with(collection)) name.remove_prefix(collection.size());
  return name;
}

bool IsId(std::string_view id, std::string_view prefix) {
  return id.starts_with(prefix) && id.size() > prefix.size() && id.size() <= kMaxIdBytes &&
         std::all_of(id.begin() + prefix.size(), id.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// A name out of a request, fit for a message.
std::string Quoted(std::string_view name) {
  constexpr std::size_t kShown = 80;
  if (name.size() <= kShown) return absl::StrCat("\"", std::string(name), "\"");
  return absl::StrCat("one of ", name.size(), " bytes");
}

std::string ModelFault(std::string_view path) {
  if (path.empty()) return "is empty, the name of a model is needed";
  if (path.size() > kMaxModelNameBytes) {
    return absl::StrCat("has ", path.size(), " bytes, at most ", kMaxModelNameBytes, " are allowed");
  }
  if (!IsUtf8(path)) return "is not valid UTF-8";
  if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; })) {
    return "has a control character or a backslash";
  }
  for (const auto part : absl::StrSplit(absl::string_view(path.data(), path.size()), '/')) {
    if (part.empty() || part == "." || part == "..") {
      return absl::StrCat("is not a path relative to the model root without empty parts, \".\" and \"..\": ",
                          Quoted(path));
    }
  }
  return "";
}

}  // namespace

std::string ParseJobName(std::string_view name, const std::string& field, Violations& violations) {
  const std::string_view id = Bare(name, "jobs/");
  if (!IsId(id, "j-")) violations.Add(field, absl::StrCat("is not a job's name (jobs/j-...): ", Quoted(name)));
  return std::string(id);
}

std::string ParseSweepName(std::string_view name, const std::string& field, Violations& violations) {
  const std::string_view id = Bare(name, "sweeps/");
  if (!IsId(id, "s-")) violations.Add(field, absl::StrCat("is not a sweep's name (sweeps/s-...): ", Quoted(name)));
  return std::string(id);
}

std::string ParseDatasetName(std::string_view name, const std::string& field, Violations& violations) {
  const std::string_view digest = Bare(name, "datasets/");
  const bool upper_case = std::any_of(digest.begin(), digest.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (DigestFromHex(digest).empty() || upper_case) {
    violations.Add(field,
                   absl::StrCat("is not a dataset's name (datasets/ and 64 lower-case hex digits): ", Quoted(name)));
  }
  return std::string(digest);
}

std::string ParseModelName(std::string_view name, const std::string& field, Violations& violations) {
  const std::string_view path = Bare(name, "models/");
  if (std::string fault = ModelFault(path); !fault.empty()) violations.Add(field, std::move(fault));
  return std::string(path);
}

std::string ParsePatternOrJobName(std::string_view name, const std::string& field, Violations& violations) {
  std::string_view id = Bare(name, "patterns/");
  if (id.size() == name.size()) id = Bare(name, "jobs/");
  if (!IsId(id, "p-") && !IsId(id, "j-")) {
    violations.Add(field,
                   absl::StrCat("is not a pattern's or job's name (patterns/p-..., jobs/j-...): ", Quoted(name)));
    return "";
  }
  return absl::StrCat("p-", std::string(id.substr(2)));
}

std::string JobName(const std::string& id) { return absl::StrCat("jobs/", id); }
std::string SweepName(const std::string& id) { return absl::StrCat("sweeps/", id); }
std::string DatasetName(const std::string& digest) { return absl::StrCat("datasets/", digest); }
std::string ModelName(const std::string& path) { return absl::StrCat("models/", path); }
std::string PatternName(const std::string& id) { return absl::StrCat("patterns/p-", id.substr(2)); }

}  // namespace headscope::server
