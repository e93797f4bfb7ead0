#include "server/app/folder_commands.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/support/random_source.h"
#include "server/maintenance/backup.h"
#include "server/maintenance/check.h"
#include "server/maintenance/migrate.h"

namespace headscope::server {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kRefused = 2;
constexpr absl::Duration kProgressEvery = absl::Seconds(2);

constexpr char kBackupHelp[] =
    R"(headscope-server backup --data-dir DIR TARGET: a consistent copy of a data folder, also beside a running server.

TARGET is not there, or an empty directory. It becomes a data folder that another server can start on: the database as it
stood at one moment, and every blob that it refers to, as a hard link where TARGET is on the same file system and a copy
otherwise. (Links keep what is deleted later; a disk that breaks takes both. Copy TARGET elsewhere, or name one on another
disk.) A backup that is killed leaves a TARGET that no server takes; remove it. Exit status: 0 done, 1 failed, 2 refused.)";

constexpr char kCheckHelp[] =
    R"(headscope-server check --data-dir DIR: whether a data folder is whole, also beside a running server.

Looks at the database and its references, at counters against what they count, at every blob (present, of its size, of its
SHA-256), at files that nobody put there, and whether database and folder belong together. Changes nothing. --format json:
{"ok", "faults": [{"kind", "object", "message"}], "checked": {...}, "store", "generation", "schema"}. Exit status: 0 whole,
1 damaged, 2 refused.)";

constexpr char kMigrateHelp[] =
    R"(headscope-server migrate --data-dir DIR: brings the data folder of an older version to this one's schema.

No server runs on it meanwhile. The database as it was is kept beside it, as headscope.sqlite.schema-N.bak; remove that
when you no longer want to go back. A server that is started on an older folder does the same by itself, and goes on
without the copy where there is no room. Exit status: 0 done or nothing to do, 1 failed, 2 refused.)";

const Flag kDataDir = {"data-dir", "DIR", "", "The data folder. Needed."};

int Complain(const std::string& command, const absl::Status& status) {
  std::fprintf(stderr, "headscope-server %s: %s\n", command.c_str(), std::string(status.message()).c_str());
  const bool failed = status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown ||
                      status.code() == absl::StatusCode::kDataLoss;
  return failed ? kFailed : kRefused;
}

absl::StatusOr<std::string> DataDir(const Flags& flags) {
  std::string path = flags.Text("data-dir");
  if (path.empty()) return flags.Refuse("data-dir", "the data folder of a server");
  return path;
}

// Takes the one argument that is neither a flag nor the value of one out of them. Every flag of the command has a value.
absl::StatusOr<std::string> TakeTarget(std::vector<std::string>& arguments) {
  std::vector<std::string> targets;
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!absl::StartsWith(arguments[i], "--")) {
      targets.push_back(arguments[i]);
      continue;
    }
    rest.push_back(arguments[i]);
    if (!absl::StrContains(arguments[i], '=') && i + 1 < arguments.size()) rest.push_back(arguments[++i]);
  }
  arguments = std::move(rest);
  if (targets.size() == 1 && !targets.front().empty()) return targets.front();
  return absl::InvalidArgumentError(
      absl::StrCat("wanted one TARGET, a directory that is empty or not there, found ", targets.size()));
}

int RunBackup(Flags& flags, const std::string& target) {
  const absl::StatusOr<std::string> data_dir = DataDir(flags);
  if (!data_dir.ok()) return Complain("backup", data_dir.status());
  const absl::StatusOr<BackupReport> report = Backup(*data_dir, target);
  if (!report.ok()) return Complain("backup", report.status());
  std::printf("%s: %lld jobs, %lld datasets, %lld patterns, %llu blobs (%llu of them copied), %llu bytes\n",
              target.c_str(), static_cast<long long>(report->jobs), static_cast<long long>(report->datasets),
              static_cast<long long>(report->patterns), static_cast<unsigned long long>(report->blobs),
              static_cast<unsigned long long>(report->copied_blobs), static_cast<unsigned long long>(report->bytes));
  return kDone;
}

void PrintJson(const CheckReport& report) {
  nlohmann::json faults = nlohmann::json::array();
  for (const Fault& fault : report.faults) {
    faults.push_back({{"kind", fault.kind}, {"object", fault.object}, {"message", fault.message}});
  }
  const nlohmann::json json = {{"ok", report.faults.empty()}, {"faults", faults},
                               {"checked", report.checked},   {"store", report.store},
                               {"generation", report.generation}, {"schema", report.schema}};
  // Names of files may be any bytes.
  std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void PrintText(const CheckReport& report) {
  for (const Fault& fault : report.faults) {
    std::printf("%s %s: %s\n", fault.kind.c_str(), fault.object.c_str(), fault.message.c_str());
  }
  std::string counts;
  for (const auto& [what, number] : report.checked) absl::StrAppend(&counts, counts.empty() ? "" : ", ", number, " ", what);
  std::printf("%s: %s; store %s, generation %lld, schema %lld\n",
              report.faults.empty() ? "whole" : absl::StrCat("damaged, ", report.faults.size(), " faults").c_str(),
              counts.c_str(), report.store.empty() ? "without an id" : report.store.c_str(),
              static_cast<long long>(report.generation), static_cast<long long>(report.schema));
}

int RunCheck(Flags& flags) {
  const absl::StatusOr<std::string> data_dir = DataDir(flags);
  if (!data_dir.ok()) return Complain("check", data_dir.status());
  const absl::StatusOr<std::string> format = flags.Choice("format", {"text", "json"});
  if (!format.ok()) return Complain("check", format.status());
  absl::Time next = absl::Now() + kProgressEvery;
  const absl::StatusOr<CheckReport> report =
      CheckDataFolder(*data_dir, [&](const std::string& what, std::uint64_t done, std::uint64_t total) {
        if (absl::Now() < next) return;
        next = absl::Now() + kProgressEvery;
        std::fprintf(stderr, "%s: %llu of %llu\n", what.c_str(), static_cast<unsigned long long>(done),
                     static_cast<unsigned long long>(total));
      });
  if (!report.ok()) return Complain("check", report.status());
  *format == "json" ? PrintJson(*report) : PrintText(*report);
  return report->faults.empty() ? kDone : kFailed;
}

int RunMigrate(Flags& flags) {
  const absl::StatusOr<std::string> data_dir = DataDir(flags);
  if (!data_dir.ok()) return Complain("migrate", data_dir.status());
  const absl::StatusOr<bool> dry_run = flags.Boolean("dry-run");
  if (!dry_run.ok()) return Complain("migrate", dry_run.status());
  const std::unique_ptr<RandomSource> random = MakeSystemRandom();
  const absl::StatusOr<MigrationReport> report = MigrateDataFolder(*data_dir, *dry_run, *random);
  if (!report.ok()) return Complain("migrate", report.status());
  if (report->former_schema == report->schema) {
    std::printf("nothing to do: schema %lld\n", static_cast<long long>(report->schema));
    return kDone;
  }
  std::printf("%sschema %lld to %lld: %lld jobs, %s\n", *dry_run ? "on a copy, " : "",
              static_cast<long long>(report->former_schema), static_cast<long long>(report->schema),
              static_cast<long long>(report->jobs), absl::FormatDuration(report->took).c_str());
  if (*dry_run) {
    std::puts("without --dry-run the database would be copied beside itself first, and then migrated; it is unchanged");
  } else if (!report->kept_copy.empty()) {
    std::printf("the database as it was: %s\n", report->kept_copy.c_str());
  }
  return kDone;
}

// Help and usage are the same for all of them. Absent: go on.
std::optional<int> Parse(Flags& flags, const std::string& command, const std::vector<std::string>& arguments,
                         const Environment& environment, const char* help) {
  if (absl::Status status = flags.Parse(arguments, environment); !status.ok()) return Complain(command, status);
  if (!flags.help_wanted() && !flags.version_wanted()) return std::nullopt;
  std::fputs(flags.Help(help).c_str(), stdout);
  return kDone;
}

}  // namespace

bool IsFolderCommand(const std::vector<std::string>& arguments) {
  return !arguments.empty() && (arguments[0] == "backup" || arguments[0] == "check" || arguments[0] == "migrate");
}

int RunFolderCommand(const std::vector<std::string>& arguments, const Environment& environment) {
  const std::string& command = arguments[0];
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  std::vector<Flag> table = {kDataDir};
  if (command == "check") table.push_back({"format", "text|json", "text", "Form of what is printed."});
  if (command == "migrate") table.push_back({"dry-run", "", "false", "Try it on a copy that is removed afterwards."});
  const char* const help = command == "backup" ? kBackupHelp : command == "check" ? kCheckHelp : kMigrateHelp;
  Flags flags("HEADSCOPE_SERVER_", std::move(table));
  std::string target;
  if (command == "backup" && std::find(rest.begin(), rest.end(), "--help") == rest.end()) {
    absl::StatusOr<std::string> taken = TakeTarget(rest);
    if (!taken.ok()) return Complain(command, taken.status());
    target = *std::move(taken);
  }
  if (const std::optional<int> ended = Parse(flags, command, rest, environment, help)) return *ended;
  if (command == "backup") return RunBackup(flags, target);
  return command == "check" ? RunCheck(flags) : RunMigrate(flags);
}

}  // namespace headscope::server
