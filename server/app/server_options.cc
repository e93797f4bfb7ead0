#include "server/app/server_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"

namespace headscope::server {
namespace {

constexpr int kMaxLocalWorkers = 64;
constexpr int kMaxThreads = 1024;
constexpr std::int64_t kMostQueuedJobs = 10'000'000;
constexpr std::int64_t kMostWorkerDeaths = 1000;

absl::Status ReadAddresses(const Flags& flags, ServerOptions& options) {
  const absl::StatusOr<bool> exposing = flags.Boolean("insecure-allow-unauthenticated");
  if (!exposing.ok()) return exposing.status();
  const std::pair<const char*, HostPort*> addresses[] = {{"listen", &options.listen},
                                                         {"worker-listen", &options.worker_listen},
                                                         {"metrics-listen", &options.metrics_listen}};
  for (const auto& [name, address] : addresses) {
    absl::StatusOr<HostPort> read = flags.Address(name);
    if (!read.ok()) return read.status();
    *address = *std::move(read);
    if (address->IsLoopback()) continue;
    options.exposed = true;
    if (!*exposing) {
      return flags.Refuse(name,
                          "an address of this machine alone, such as 127.0.0.1 (there is no encryption and no "
                          "authentication yet: --insecure-allow-unauthenticated allows others inside a private "
                          "network)");
    }
  }
  if (absl::StrContains(options.metrics_listen.host, ":")) {
    return flags.Refuse("metrics-listen", "an IPv4 address (its HTTP server knows no other)");
  }
  return absl::OkStatus();
}

// Beside this program.
std::string DefaultWorkerBinary() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "headscope-worker" : (self.parent_path() / "headscope-worker").string();
}

// What a worker alone would take by itself, shared out.
std::string SharedMemoryBudget(int workers) {
  if (workers <= 1) return "auto";
  const std::int64_t bytes = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return absl::StrCat(bytes / 5 * 3 / workers);
}

absl::Status ReadLocalWorkers(const Flags& flags, ServerOptions& options) {
  const absl::StatusOr<std::int64_t> workers = flags.Integer("local-workers", 0, kMaxLocalWorkers);
  const absl::StatusOr<std::int64_t> threads = flags.Integer("worker-threads", 0, kMaxThreads);
  if (!workers.ok()) return workers.status();
  if (!threads.ok()) return threads.status();
  options.model_root = flags.Text("model-root");
  options.local_workers = static_cast<int>(*workers);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.worker_threads =
      *threads > 0 ? static_cast<int>(*threads) : std::max(1, cores / std::max(1, options.local_workers));
  options.worker_device = flags.Text("worker-device");
  options.worker_memory_budget = SharedMemoryBudget(options.local_workers);
  if (flags.IsSet("worker-memory-budget")) {
    const absl::StatusOr<std::uint64_t> budget = flags.Bytes("worker-memory-budget");
    if (!budget.ok()) return budget.status();
    options.worker_memory_budget = absl::StrCat(*budget);
  }
  options.worker_binary = flags.IsSet("worker-binary") ? flags.Text("worker-binary") : DefaultWorkerBinary();
  if (options.local_workers == 0) return absl::OkStatus();
  std::error_code error;
  if (!std::filesystem::is_directory(options.model_root, error)) {
    return flags.Refuse("model-root", "the directory that holds the model directories, for the local workers");
  }
  if (access(options.worker_binary.c_str(), X_OK) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("--local-workers ", options.local_workers,
                                                   ": there is no program at ", options.worker_binary,
                                                   "; build headscope-worker or name it with --worker-binary"));
  }
  return absl::OkStatus();
}

absl::Status ReadStore(const Flags& flags, ServerOptions& options) {
  const std::string store = flags.Text("store");
  if (absl::StartsWith(store, "postgres")) {
    return flags.Refuse("store", "sqlite: this build has the embedded store only");
  }
  if (absl::StatusOr<std::string> kind = flags.Choice("store", {"sqlite"}); !kind.ok()) return kind.status();
  const absl::StatusOr<bool> accept = flags.Boolean("accept-older-database");
  if (!accept.ok()) return accept.status();
  options.accept_older_database = *accept;
  options.data_dir = flags.Text("data-dir");
  return options.data_dir.empty() ? flags.Refuse("data-dir", "the directory to keep jobs and results in")
                                  : absl::OkStatus();
}

// Days, decimals allowed.
absl::StatusOr<absl::Duration> ReadDays(const Flags& flags, const std::string& name) {
  constexpr double kMaxDays = 36'500;
  double days = 0;
  if (!absl::SimpleAtod(flags.Text(name), &days) || !(days >= 0) || days > kMaxDays) {
    return flags.Refuse(name, "a number of days from 0 to 36500, such as 30 or 0.5");
  }
  return absl::Hours(24) * days;
}

// What is kept, and for how long.
absl::Status ReadKeeping(const Flags& flags, ServerOptions& options) {
  const absl::StatusOr<absl::Duration> retention = ReadDays(flags, "retention-days");
  if (!retention.ok()) return retention.status();
  if (*retention > absl::ZeroDuration()) options.retention = *retention;
  const absl::StatusOr<absl::Duration> quarantine = ReadDays(flags, "quarantine-days");
  if (!quarantine.ok()) return quarantine.status();
  options.quarantine.keep = *quarantine;
  const absl::StatusOr<bool> any_number = flags.Boolean("quarantine-unknown-blobs");
  if (!any_number.ok()) return any_number.status();
  options.quarantine.any_number = *any_number;
  if (flags.IsSet("disk-low-water")) {
    const absl::StatusOr<std::uint64_t> low_water = flags.Bytes("disk-low-water");
    if (!low_water.ok()) return low_water.status();
    options.disk.low_water = *low_water;
  }
  const absl::StatusOr<std::uint64_t> reserve = flags.Bytes("disk-reserve");
  if (!reserve.ok()) return reserve.status();
  options.disk.reserve = *reserve;
  const absl::StatusOr<absl::Duration> erase = flags.Duration("erase-after");
  if (!erase.ok()) return erase.status();
  if (*erase < absl::Seconds(1) || *erase > absl::Hours(24 * 365)) {
    return flags.Refuse("erase-after", "a time from 1s to 8760h");
  }
  options.erase_after = *erase;
  return absl::OkStatus();
}

absl::Status ReadRunning(const Flags& flags, ServerOptions& options) {
  options.ready_file = flags.Text("ready-file");
  const std::filesystem::path folder = std::filesystem::path(options.ready_file).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    return flags.Refuse("ready-file", "a file in a directory that is there");
  }
  options.drain_delay = options.exposed ? absl::Seconds(5) : absl::ZeroDuration();
  if (flags.IsSet("drain-delay")) {
    const absl::StatusOr<absl::Duration> delay = flags.Duration("drain-delay");
    if (!delay.ok()) return delay.status();
    options.drain_delay = *delay;
  }
  const absl::StatusOr<absl::Duration> idle = flags.Duration("rank-idle-limit");
  if (!idle.ok()) return idle.status();
  if (*idle < absl::Seconds(1) || *idle > absl::Hours(24)) {
    return flags.Refuse("rank-idle-limit", "a time from 1s to 24h");
  }
  options.rank_idle_limit = *idle;
  if (absl::Status kept = ReadKeeping(flags, options); !kept.ok()) return kept;
  const absl::StatusOr<bool> reflection = flags.Boolean("reflection");
  if (!reflection.ok()) return reflection.status();
  options.reflection = *reflection;
  const absl::StatusOr<std::string> format = flags.Choice("log-format", {"text", "json"});
  if (!format.ok()) return format.status();
  options.log_format = *format == "json" ? LogFormat::kJson : LogFormat::kText;
  return absl::OkStatus();
}

absl::StatusOr<absl::Duration> ReadTime(const Flags& flags, const char* name, absl::Duration least,
                                        absl::Duration most) {
  const absl::StatusOr<absl::Duration> time = flags.Duration(name);
  if (!time.ok()) return time.status();
  if (*time >= least && *time <= most) return *time;
  return flags.Refuse(name, absl::StrCat("a time from ", absl::FormatDuration(least), " to ", absl::FormatDuration(most)));
}

absl::Status ReadQueue(const Flags& flags, ServerOptions& options) {
  const absl::StatusOr<std::int64_t> jobs = flags.Integer("max-queued-jobs", 1, kMostQueuedJobs);
  if (!jobs.ok()) return jobs.status();
  const absl::StatusOr<std::int64_t> deaths = flags.Integer("max-worker-deaths", 1, kMostWorkerDeaths);
  if (!deaths.ok()) return deaths.status();
  const auto window = ReadTime(flags, "worker-death-window", absl::Seconds(1), absl::Hours(24 * 365));
  if (!window.ok()) return window.status();
  const auto progress = ReadTime(flags, "no-progress-timeout", absl::Seconds(1), absl::Hours(24 * 7));
  if (!progress.ok()) return progress.status();
  options.store.max_queued_jobs = static_cast<std::uint64_t>(*jobs);
  options.store.worker_deaths = {static_cast<std::uint32_t>(*deaths), *window};
  options.no_progress_timeout = *progress;
  return absl::OkStatus();
}

}  // namespace

Flags MakeServerFlags() {
  return Flags(
      "HEADSCOPE_SERVER_",
      {
          {"data-dir", "DIR", "",
           "Where jobs, datasets and results are kept; made when it is not there. One server uses it at a time. "
           "Needed."},
          {"accept-older-database", "", "false",
           "Start although the database is older than its data folder, or not there: results that it does not know go "
           "into quarantine."},
          {"model-root", "DIR", "",
           "Directory beneath which the local workers' models are: every directory with a config.json, named by its "
           "path from here. The server itself opens no model."},
          {"listen", "HOST:PORT", "127.0.0.1:50051", "Where clients connect; port 0 picks a free one."},
          {"worker-listen", "HOST:PORT", "127.0.0.1:50052", "Where workers connect."},
          {"metrics-listen", "HOST:PORT", "127.0.0.1:9464", "Answers GET /metrics (Prometheus) there. IPv4 only."},
          {"store", "sqlite", "sqlite", "Which store keeps the jobs: the embedded one, in --data-dir."},
          {"local-workers", "N", "0", "Worker processes that this server starts, restarts and ends itself."},
          {"worker-threads", "N", "0", "Compute threads of each local worker; 0: cores divided by local workers."},
          {"worker-device", "cpu|cuda:N", "cpu", "Where the local workers compute."},
          {"worker-memory-budget", "SIZE", "",
           "What the models of each local worker may take of memory (4GiB). Default: three fifths of the machine's "
           "memory, shared out."},
          {"worker-binary", "FILE", "", "The local workers' program. Default: headscope-worker beside this program."},
          {"insecure-allow-unauthenticated", "", "false",
           "Listen beyond this machine without encryption and authentication. Inside a private network only: whoever "
           "reaches the port may read and delete everything."},
          {"ready-file", "FILE", "",
           "Written once the server serves and the local workers are connected (or after 30 s): a JSON object with "
           "listen, worker_listen, metrics_listen (real ports) and pid."},
          {"drain-delay", "TIME", "",
           "After SIGTERM, how long health says NOT_SERVING before work is refused. Default: 0s on loopback, 5s "
           "otherwise."},
          {"rank-idle-limit", "TIME", absl::FormatDuration(kRankIdleLimit),
           "How long a ranking waits for the next part of its pool. Then it is ended, and what it keeps is dropped."},
          {"retention-days", "DAYS", "0",
           "Delete jobs and sweeps this long after their end, and datasets that no job uses this long after their last "
           "use; decimals allowed. 0: keep them until somebody deletes them."},
          {"erase-after", "TIME", "1h",
           "Within this time after a delete nothing of its text is left in any file of the data directory."},
          {"disk-low-water", "SIZE", "",
           "Refuse submissions and uploads (DISK_FULL) while the disk of the data directory has less left; running work "
           "may end, and deletes work. Default: the smaller of 2GiB and 5 % of the disk."},
          {"disk-reserve", "SIZE", "64MiB",
           "Kept on that disk, at most 1 % of it, and given up when it is full, so that jobs can still be deleted."},
          {"quarantine-days", "DAYS", "7",
           "How long files that the database does not know are kept in blobs/quarantine before they are removed."},
          {"quarantine-unknown-blobs", "", "false",
           "Start although more than 1 % and more than 10 of the files of results are unknown to the database (which "
           "looks like an older one), and put them into blobs/quarantine."},
          {"max-queued-jobs", "N", absl::StrCat(kMaxQueuedJobs),
           "Jobs that may wait at a time until a part of them is scored; more are refused with QUEUE_FULL."},
          {"max-worker-deaths", "N", absl::StrCat(kMaxWorkerDeaths),
           "A job fails with POISONED when a part of it was lost with its worker this often within "
           "--worker-death-window."},
          {"worker-death-window", "TIME", absl::FormatDuration(kWorkerDeathWindow),
           "Deaths of workers that are longer ago do not count."},
          {"no-progress-timeout", "TIME", absl::FormatDuration(kNoProgressTimeout),
           "How long a worker may hold a part of a job without finishing a batch; and how long a job whose model was "
           "changed waits for a worker that has its content, before it fails with MODEL_CHANGED."},
          {"reflection", "", "true", "Describe the services to tools that ask (gRPC server reflection)."},
          {"log-format", "text|json", "text", "Form of the lines on standard error."},
      });
}

std::string ServerHelpIntroduction() {
  return R"(headscope-server: tells which attention heads of a language model a task uses. This is the front: it queues jobs,
hands their parts to workers, keeps the results and answers questions about them. The workers hold the models.

Everything on one machine:

  headscope-server --data-dir data --model-root models --local-workers 1

then, from another terminal, headscope models, headscope attribute --model NAME --data FILE.jsonl. Workers elsewhere:

  headscope-server --data-dir data --worker-listen 10.0.0.1:50052 --insecure-allow-unauthenticated
  headscope-worker --server 10.0.0.1:50052 --model-root /srv/models

With a data folder, without serving (each has --help): headscope-server backup --data-dir DIR TARGET copies it, also beside
a running server; headscope-server check --data-dir DIR [--format json] tells whether it is whole; headscope-server migrate
--data-dir DIR [--dry-run] brings one of an older version to this one.

What is acknowledged is on disk. SIGTERM or SIGINT: new work is refused, what runs is handed back, and the server ends with
status 0; a second signal hurries. After a crash, the next start goes on where this one was. Exit status: 0 stopped in
order, 1 failed, 2 usage or refused (a port in use, a data directory in use, a full disk).)";
}

absl::StatusOr<ServerOptions> ReadServerOptions(const Flags& flags) {
  ServerOptions options;
  for (const auto read : {&ReadStore, &ReadAddresses, &ReadLocalWorkers, &ReadQueue, &ReadRunning}) {
    const absl::Status status = read(flags, options);
    if (!status.ok()) return status;
  }
  return options;
}

}  // namespace headscope::server
