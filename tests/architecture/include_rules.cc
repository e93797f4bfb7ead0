#include "tests/architecture/include_rules.h"

#include <algorithm>
#include <sstream>

namespace headscope::architecture {
namespace {

struct Library {
  std::string_view name;
  std::vector<std::string_view> prefixes;
};

const std::vector<Library>& Libraries() {
  static const std::vector<Library> libraries = {
      {"absl", {"absl/"}},
      {"openssl", {"openssl/"}},
      {"protobuf", {"google/protobuf/", "google/rpc/", "headscope/"}},
      {"grpc", {"grpc/", "grpcpp/"}},
      {"torch", {"torch/", "ATen/", "c10/", "caffe2/"}},
      {"prometheus", {"prometheus/"}},
      {"sqlite", {"sqlite3.h"}},
      {"json", {"nlohmann/"}},
      {"oniguruma", {"oniguruma.h"}},
      {"utf8proc", {"utf8proc.h"}},
      {"eigen", {"Eigen/", "unsupported/Eigen/"}},
      {"onednn", {"oneapi/"}},
  };
  return libraries;
}

const std::vector<Rule>& Rules() {
  static const std::vector<Rule> rules = {
      {"proto/support", {}, {"absl", "openssl"}},
      {"proto/support/wire", {"proto/support"}, {"absl", "protobuf", "grpc"}},

      {"server/jobs", {"proto/support"}, {"absl", "json"}},
      {"server/scheduler", {"server/jobs", "proto/support"}, {"absl"}},
      {"server/store", {"server/jobs", "proto/support"}, {"absl", "sqlite", "json"}},
      {"server/maintenance", {"server/store", "proto/support"}, {"absl", "sqlite", "json"}},
      {"server/analysis/statistics", {"proto/support"}, {"absl", "eigen"}},
      {"server/analysis",
       {"server/analysis/statistics", "server/jobs", "proto/support", "server/store"},
       {"absl", "json"}},
      {"server/metrics", {"proto/support", "server/jobs"}, {"absl", "prometheus"}},
      {"server/fleet",
       {"server/scheduler", "server/store", "server/jobs", "server/metrics", "proto/support", "proto/support/wire"},
       {"absl", "protobuf", "grpc"}},
      {"server/service",
       {"server/fleet", "server/analysis", "server/analysis/statistics", "server/store", "server/jobs",
        "server/metrics", "proto/support", "proto/support/wire"},
       {"absl", "protobuf", "grpc"}},
      {"server/app",
       {"server/service", "server/fleet", "server/maintenance", "server/store", "server/jobs", "server/metrics", "proto/support",
        "proto/support/wire"},
       {"absl", "grpc", "json"}},
      {"server", {"server/app", "proto/support"}, {"absl"}},

      {"worker/tensor", {}, {"absl", "torch"}},
      {"worker/tensor/cpu", {"worker/tensor"}, {"torch", "onednn"}},
      {"worker/model", {"worker/tensor", "worker/tensor/cpu"}, {"absl", "torch", "json"}},
      {"worker/model/tokenizer", {"proto/support"}, {"absl", "json", "oniguruma", "utf8proc"}},
      {"worker/attribution", {"worker/model", "worker/tensor"}, {"absl", "torch"}},
      {"worker/runtime",
       {"worker/attribution", "worker/model", "worker/model/tokenizer", "worker/tensor", "proto/support"},
       {"absl", "json", "prometheus"}},
      {"worker/link", {"worker/runtime", "proto/support", "proto/support/wire"}, {"absl", "protobuf", "grpc"}},
      {"worker/app",
       {"worker/link", "worker/runtime", "worker/tensor", "worker/attribution", "worker/model", "proto/support"},
       {"absl"}},
      {"worker/tools",
       {"worker/attribution", "worker/model", "worker/tensor", "worker/tensor/cpu"},
       {"absl", "torch", "json"}},
      {"worker", {"worker/app", "proto/support"}, {"absl"}},

      {"client/headscope", {"proto/support", "proto/support/wire"}, {"absl", "protobuf", "grpc", "json"}},
      {"client/report", {"client/headscope", "proto/support"}, {"absl"}},
      {"client/cli", {"client/headscope", "client/report", "proto/support"}, {"absl", "json"}},
  };
  return rules;
}

bool IsBeneath(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

// Nearest folder with a rule: includes of it must be allowed by exactly that name.
std::string_view FolderOf(std::string_view file) {
  const Rule* rule = RuleFor(file);
  return rule == nullptr ? std::string_view() : rule->folder;
}

bool IsProjectPath(std::string_view path) {
  return path.starts_with("proto/") || path.starts_with("server/") || path.starts_with("worker/") ||
         path.starts_with("client/") || path.starts_with("tests/") || path.starts_with("deploy/");
}

std::string Forbidden(const Rule& rule, std::string_view path) {
  if (IsProjectPath(path)) {
    const std::string_view target = FolderOf(path);
    const bool allowed = !target.empty() && (target == rule.folder || std::ranges::count(rule.folders, target) > 0);
    if (allowed) return "";
    return std::string(rule.folder) + " may not include " + (target.empty() ? "this folder" : std::string(target));
  }
  for (const Library& library : Libraries()) {
    const bool matches = std::ranges::any_of(library.prefixes, [&](auto prefix) { return path.starts_with(prefix); });
    if (matches && std::ranges::count(rule.libraries, library.name) == 0) {
      return std::string(rule.folder) + " may not use " + std::string(library.name);
    }
  }
  return "";
}

// The path between the quotes or brackets of an #include line, or empty.
std::string_view IncludedPath(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with("#include")) return {};
  const std::size_t begin = line.find_first_of("\"<");
  if (begin == std::string_view::npos) return {};
  const std::size_t end = line.find_first_of("\">", begin + 1);
  return end == std::string_view::npos ? std::string_view() : line.substr(begin + 1, end - begin - 1);
}

}  // namespace

const Rule* RuleFor(std::string_view file) {
  const Rule* best = nullptr;
  for (const Rule& rule : Rules()) {
    if (IsBeneath(file, rule.folder) && (best == nullptr || rule.folder.size() > best->folder.size())) best = &rule;
  }
  return best;
}

std::vector<std::string> Violations(std::string_view file, std::string_view text) {
  std::vector<std::string> violations;
  const Rule* rule = RuleFor(file);
  if (rule == nullptr) return {std::string(file) + ":1: no rule says what this folder may include"};
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string_view path = IncludedPath(line);
    if (path.empty()) continue;
    if (const std::string message = Forbidden(*rule, path); !message.empty()) {
      violations.push_back(std::string(file) + ":" + std::to_string(number) + ": " + message + " (" +
                           std::string(path) + ")");
    }
  }
  return violations;
}

}  // namespace headscope::architecture
