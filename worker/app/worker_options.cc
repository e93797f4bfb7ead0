#include "worker/app/worker_options.h"

#include <fcntl.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "proto/support/limits.h"
#include "worker/runtime/memory_budget.h"

namespace headscope::worker {
namespace {

constexpr int kMaxThreads = 1024;

absl::Status ReadResources(const Flags& flags, WorkerOptions& options) {
  const absl::StatusOr<std::int64_t> threads = flags.Integer("threads", 0, kMaxThreads);
  if (!threads.ok()) return threads.status();
  options.threads =
      *threads > 0 ? static_cast<int>(*threads) : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.memory_budget = DefaultMemoryBudget();
  if (const std::string text = flags.Text("memory-budget"); text.empty() || text == "auto") return absl::OkStatus();
  const absl::StatusOr<std::uint64_t> budget = flags.Bytes("memory-budget");
  if (!budget.ok()) return budget.status();
  if (*budget == 0 || *budget > std::numeric_limits<std::int64_t>::max()) {
    return flags.Refuse("memory-budget", "a size above zero, such as 8GiB, or auto");
  }
  options.memory_budget = static_cast<std::int64_t>(*budget);
  return absl::OkStatus();
}

absl::Status ReadIdentity(const Flags& flags, WorkerOptions& options) {
  options.worker_id = flags.Text("worker-id");
  if (options.worker_id.size() > kMaxWorkerIdBytes ||
      std::any_of(options.worker_id.begin(), options.worker_id.end(),
                  [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) {
    return flags.Refuse("worker-id", "at most 128 printable ASCII characters without spaces");
  }
  const absl::StatusOr<std::int64_t> parent = flags.Integer("parent-fd", -1, std::numeric_limits<int>::max());
  if (!parent.ok()) return parent.status();
  options.parent_fd = static_cast<int>(*parent);
  if (options.parent_fd >= 0 && ::fcntl(options.parent_fd, F_GETFD) < 0) {
    return flags.Refuse("parent-fd", "an open file descriptor");
  }
  return absl::OkStatus();
}

absl::Status ReadAddresses(const Flags& flags, WorkerOptions& options) {
  absl::StatusOr<HostPort> server = flags.Address("server");
  if (!server.ok()) return server.status();
  if (server->port == 0) return flags.Refuse("server", "HOST:PORT with a port above zero");
  options.server = *std::move(server);
  if (flags.Text("metrics-listen").empty()) return absl::OkStatus();
  absl::StatusOr<HostPort> metrics = flags.Address("metrics-listen");
  if (!metrics.ok()) return metrics.status();
  options.metrics_listen = *std::move(metrics);
  return absl::OkStatus();
}

}  // namespace

Flags MakeWorkerFlags() {
  return Flags(
      "HEADSCOPE_WORKER_",
      {
          {"server", "HOST:PORT", "127.0.0.1:50052",
           "The server's worker listener (its --worker-listen, not the port that clients use)."},
          {"model-root", "DIR", "",
           "Directory beneath which the models are: every directory with a config.json, named by its path from here. "
           "Needed."},
          {"device", "cpu|cuda:N", "cpu", "Where models are held and computed."},
          {"threads", "N", "0", "Threads that one computation may use; 0: one a core."},
          {"memory-budget", "SIZE", "auto",
           "What models may take of memory (512MiB, 8GiB). Beyond it the model used least recently is unloaded; one "
           "that "
           "does not fit alone is refused. auto: three fifths of the machine's memory."},
          {"metrics-listen", "HOST:PORT", "",
           "Answers GET /metrics (Prometheus) and GET /healthz there; port 0 takes a free one. Empty: no listener."},
          {"worker-id", "ID", "",
           "Name that stays the same over restarts; two workers must not share one. Default: from the host's name and "
           "the model root."},
          {"parent-fd", "N", "-1", "Set by a server that starts this worker: the worker ends when that pipe closes."},
          {"log-format", "text|json", "text", "Form of the lines on standard error."},
      });
}

std::string HelpIntroduction() {
  return R"(headscope-worker: holds language models and computes head scores for a headscope-server.

It dials the server, says which models lie beneath its model root, and takes work; nothing has to reach it from outside.
Start as many as there is room for, on any machine that reaches the server. One that cannot reach it keeps trying.

  headscope-worker --server 127.0.0.1:50052 --model-root models
  headscope-worker --server gpu-front:50052 --model-root /srv/models --device cuda:0 --metrics-listen 127.0.0.1:9465

A model is a Hugging Face directory: config.json, model.safetensors (or shards with their index), and tokenizer.json if
text is to be accepted. New and changed models are noticed while it runs; nothing is ever downloaded.

SIGTERM or SIGINT: the batch at hand ends, the rest of its shard goes back to the server, the worker exits with 0; a second
one does not wait for the batch. Exit status: 0 stopped in order, 1 failed or refused by the server, 2 usage.
)";
}

absl::StatusOr<WorkerOptions> ReadWorkerOptions(const Flags& flags, const Environment& environment) {
  WorkerOptions options;
  options.model_root = flags.Text("model-root");
  if (options.model_root.empty()) {
    return flags.Refuse("model-root", "the directory that holds the model directories");
  }
  options.device = flags.Text("device");
  for (const auto read : {&ReadAddresses, &ReadResources, &ReadIdentity}) {
    const absl::Status status = read(flags, options);
    if (!status.ok()) return status;
  }
  const absl::StatusOr<std::string> format = flags.Choice("log-format", {"text", "json"});
  if (!format.ok()) return format.status();
  options.log_format = *format == "json" ? LogFormat::kJson : LogFormat::kText;
  options.token = environment("HEADSCOPE_WORKER_TOKEN").value_or("");
  return options;
}

}  // namespace headscope::worker
