#include "worker/app/worker_app.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/support/log.h"
#include "proto/support/random_source.h"
#include "worker/app/http_listener.h"
#include "worker/app/shutdown_watch.h"
#include "worker/app/worker_identity.h"
#include "worker/app/worker_options.h"
#include "worker/attribution/method.h"
#include "worker/link/worker_link.h"
#include "worker/runtime/device_thread.h"
#include "worker/runtime/memory_budget.h"
#include "worker/runtime/metrics.h"
#include "worker/runtime/model_cache.h"
#include "worker/runtime/model_catalogue.h"
#include "worker/runtime/shard_session.h"
#include "worker/runtime/tokenizer_cache.h"
#include "worker/tensor/product_rate.h"
#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

constexpr int kStopped = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr std::size_t kTokenizersKept = 8;

int Complain(const absl::Status& status, int exit_status) {
  std::fprintf(stderr, "headscope-worker: %s\n", std::string(status.message()).c_str());
  return exit_status;
}

std::string DeviceText(const WorkerOptions& options) {
  if (options.device != "cpu") return options.device;
  return absl::StrCat("cpu (", options.threads, options.threads == 1 ? " thread)" : " threads)");
}

HttpResponse Page(const std::string& path, const Metrics& metrics) {
  if (path == "/metrics") return {.content_type = "text/plain; version=0.0.4", .body = metrics.Text()};
  if (path == "/healthz") return {.body = "ok\n"};
  return {.status = 404, .body = "there are /metrics and /healthz here\n"};
}

// Everything between the flags and the wire, in the order in which it depends on each other.
class Worker {
 public:
  Worker(const WorkerOptions& options, std::unique_ptr<ModelCatalogue> catalogue, ShutdownWatch& watch)
      : watch_(watch),
        catalogue_(std::move(catalogue)),
        identity_(options.worker_id.empty() ? std::optional(WorkerIdentity::Claim(catalogue_->root())) : std::nullopt),
        metrics_(HEADSCOPE_VERSION, TorchVersion(), DeviceText(options)),
        device_(options.threads),
        models_({.budget_bytes = options.memory_budget, .device = options.device, .root = catalogue_->root()},
                metrics_),
        tokenizers_(catalogue_->root(), kTokenizersKept,
                    [this](const ModelEntry& model) { return catalogue_->CheckUnchanged(model); }),
        shards_({.catalogue = *catalogue_,
                 .models = models_,
                 .tokenizers = tokenizers_,
                 .device = device_,
                 .metrics = metrics_}),
        link_(MakeLinkOptions(options), {*catalogue_, models_, shards_, metrics_},
              [&watch](const absl::Status& refusal) { watch.Wake(std::string(refusal.message())); }) {}

  absl::Status Listen(const HostPort& address) {
    auto listener =
        HttpListener::Start({.address = address}, [this](const std::string& path) { return Page(path, metrics_); });
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    Log(LogLevel::kInfo, "metrics", {{"listen", listener_->address().ToString()}});
    return absl::OkStatus();
  }

  // Says so where the machine's BLAS is a slow one. Measured on the thread that will compute, while the worker
  // connects.
  void WarnOfSlowProducts() {
    device_.Post([] {
      const double gflops = MeasureProductRate();
      const std::string hint = gflops > 0 ? SlowProductsHint(gflops) : "";
      if (!hint.empty()) Log(LogLevel::kWarning, hint);
    });
  }

  // Until told to stop. Returns the exit status.
  int Run() {
    link_.Start();
    catalogue_->Start([this] { link_.CatalogueChanged(); });
    const ShutdownWatch::Event event = watch_.Wait();
    if (event == ShutdownWatch::Event::kParentGone) LeaveWithParent();
    if (event == ShutdownWatch::Event::kTerminate) Log(LogLevel::kInfo, "stopping: the batch at hand ends first");
    Drain();
    catalogue_->Stop();
    if (event == ShutdownWatch::Event::kWoken) return Complain(absl::UnknownError(watch_.word()), kFailed);
    Log(LogLevel::kInfo, "stopped");
    return kStopped;
  }

 private:
  LinkOptions MakeLinkOptions(const WorkerOptions& options) const {
    LinkOptions link;
    link.server = options.server.ToString();
    link.token = options.token;
    link.worker_id = identity_.has_value() ? identity_->id() : options.worker_id;
    link.boot_id = MakeId("boot-", *MakeSystemRandom());
    link.build = absl::StrCat("headscope ", HEADSCOPE_VERSION, ", LibTorch ", TorchVersion());
    link.device = DeviceText(options);
    link.device_bytes = options.device == "cpu" ? static_cast<std::uint64_t>(HostMemoryBytes()) : 0;
    link.methods = MethodNames();
    return link;
  }

  void Drain() {
    std::thread draining([this] {
      link_.Drain();
      watch_.Wake("");
    });
    for (bool done = false; !done;) {
      switch (watch_.Wait()) {
        case ShutdownWatch::Event::kTerminate:
          link_.Hurry();
          break;
        case ShutdownWatch::Event::kParentGone:
          LeaveWithParent();
          break;
        case ShutdownWatch::Event::kWoken:
          done = true;
          break;
      }
    }
    draining.join();
  }

  // Nothing of a worker's is worth saving once the server that started it is gone.
  [[noreturn]] static void LeaveWithParent() {
    Log(LogLevel::kInfo, "the server that started this worker is gone: leaving");
    ::_exit(kStopped);
  }

  ShutdownWatch& watch_;
  const std::unique_ptr<ModelCatalogue> catalogue_;
  const std::optional<WorkerIdentity> identity_;
  Metrics metrics_;
  DeviceThread device_;
  ModelCache models_;
  TokenizerCache tokenizers_;
  ShardSession shards_;
  std::unique_ptr<HttpListener> listener_;
  WorkerLink link_;
};

int Serve(const WorkerOptions& options) {
  SetLogFormat(options.log_format);
  ShutdownWatch watch(options.parent_fd);
  const absl::Status device = CheckDevice(options.device);
  if (!device.ok()) {
    return Complain(absl::InvalidArgumentError(absl::StrCat("--device ", options.device, ": ", device.message())),
                    kUsage);
  }
  absl::StatusOr<std::unique_ptr<ModelCatalogue>> catalogue =
      ModelCatalogue::Open({.root = options.model_root, .device = options.device});
  if (!catalogue.ok()) return Complain(catalogue.status(), kUsage);
  Log(LogLevel::kInfo, "starting",
      {{"version", HEADSCOPE_VERSION},
       {"libtorch", TorchVersion()},
       {"device", DeviceText(options)},
       {"memory_budget", FormatBytes(options.memory_budget)},
       {"model_root", (*catalogue)->root()},
       {"models", (*catalogue)->Entries().size()}});
  if (!options.server.IsLoopback()) {
    Log(LogLevel::kWarning, "the connection to the server is neither encrypted nor authenticated: keep it private",
        {{"server", options.server.ToString()}});
  }
  Worker worker(options, *std::move(catalogue), watch);
  if (options.metrics_listen.has_value()) {
    const absl::Status listening = worker.Listen(*options.metrics_listen);
    if (!listening.ok()) return Complain(listening, kFailed);
  }
  if (options.device == "cpu") worker.WarnOfSlowProducts();
  return worker.Run();
}

}  // namespace

int RunWorker(const std::vector<std::string>& arguments, const Environment& environment) {
  Flags flags = MakeWorkerFlags();
  const absl::Status parsed = flags.Parse(arguments, environment);
  if (!parsed.ok()) return Complain(parsed, kUsage);
  if (flags.help_wanted()) {
    std::fputs(flags.Help(HelpIntroduction()).c_str(), stdout);
    return kStopped;
  }
  if (flags.version_wanted()) {
    std::printf("headscope-worker %s (LibTorch %s)\n", HEADSCOPE_VERSION, TorchVersion().c_str());
    return kStopped;
  }
  const absl::StatusOr<WorkerOptions> options = ReadWorkerOptions(flags, environment);
  if (!options.ok()) return Complain(options.status(), kUsage);
  return Serve(*options);
}

}  // namespace headscope::worker
