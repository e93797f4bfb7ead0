#include "server/app/run_server.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/support/log.h"
#include "server/app/folder_commands.h"
#include "server/app/server_app.h"
#include "server/app/server_options.h"
#include "server/app/stop_signals.h"

namespace headscope::server {
namespace {

constexpr int kStopped = 0;
constexpr int kFailed = 1;
constexpr int kRefused = 2;
constexpr absl::Duration kWaitForLocalWorkers = absl::Seconds(30);

int Complain(const absl::Status& status) {
  std::fprintf(stderr, "headscope-server: %s\n", std::string(status.message()).c_str());
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return kFailed;
    default:
      return kRefused;
  }
}

int Serve(const ServerOptions& options, const Environment& environment) {
  SetLogFormat(options.log_format);
  StopSignals signals;
  if (options.exposed) {
    Log(LogLevel::kWarning,
        "INSECURE: listening beyond this machine without encryption and authentication; whoever reaches the ports may "
        "read and delete everything",
        {{"listen", options.listen.ToString()}, {"worker_listen", options.worker_listen.ToString()}});
  }
  const absl::StatusOr<std::unique_ptr<ServerApp>> app = ServerApp::Start(options, environment);
  if (!app.ok()) return Complain(app.status());
  signals.Start([&] { (*app)->GiveUpWaiting(); }, [&] { (*app)->Hurry(); });
  const Addresses addresses = (*app)->addresses();
  Log(LogLevel::kInfo, "serving",
      {{"version", HEADSCOPE_VERSION},
       {"listen", addresses.listen.ToString()},
       {"worker_listen", addresses.worker_listen.ToString()},
       {"metrics_listen", addresses.metrics_listen.ToString()},
       {"data_dir", options.data_dir},
       {"local_workers", options.local_workers},
       {"pid", getpid()}});
  const absl::Status ready = (*app)->BecomeReady(kWaitForLocalWorkers);
  if (ready.ok()) signals.first().WaitForNotification();
  (*app)->Drain(signals.second());
  // The app ends before the signals do: a signal that comes from here on finds nobody.
  signals.Stop();
  return ready.ok() ? kStopped : Complain(ready);
}

}  // namespace

int RunServer(const std::vector<std::string>& arguments, const Environment& environment) {
  // A file size limit is then an error of the write (a full disk, to us), not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  if (IsFolderCommand(arguments)) return RunFolderCommand(arguments, environment);
  Flags flags = MakeServerFlags();
  if (absl::Status status = flags.Parse(arguments, environment); !status.ok()) return Complain(status);
  if (flags.help_wanted()) {
    std::fputs(flags.Help(ServerHelpIntroduction()).c_str(), stdout);
    return kStopped;
  }
  if (flags.version_wanted()) {
    std::puts("headscope-server " HEADSCOPE_VERSION);
    return kStopped;
  }
  const absl::StatusOr<ServerOptions> options = ReadServerOptions(flags);
  if (!options.ok()) return Complain(options.status());
  return Serve(*options, environment);
}

}  // namespace headscope::server
