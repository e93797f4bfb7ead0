// What the services have in common.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "server/service/budget.h"
#include "server/service/reactor_registry.h"
#include "server/service/services.h"
#include "server/store/blob_intake.h"

namespace headscope::server {

// UNAVAILABLE / DRAINING: this server is about to end; the client tries again, here or elsewhere.
inline absl::Status DrainingError() {
  return MakeError(absl::StatusCode::kUnavailable, "the server is shutting down; try again",
                   ErrorDetails{"DRAINING", {}, absl::Seconds(5)});
}

// Thread-safe; outlives every call.
struct Shared {
  explicit Shared(ServiceContext context_in)
      : context(std::move(context_in)), intake(context.store, context.blobs) {}

  // OK while new work is taken.
  absl::Status CheckOpen() const { return refusing.load() ? DrainingError() : absl::OkStatus(); }
  // OK while there is room to store something new. RESOURCE_EXHAUSTED / DISK_FULL.
  absl::Status CheckRoom() const { return context.disk == nullptr ? absl::OkStatus() : context.disk->CheckRoom(); }
  absl::Status CheckOpenWithRoom() const {
    absl::Status open = CheckOpen();
    return open.ok() ? CheckRoom() : open;
  }

  const ServiceContext context;
  // Whatever is stored goes this way.
  BlobIntake intake;
  ReactorRegistry streams;
  std::atomic<bool> refusing{false};
  // Analyses that run or wait; and rankings, which may wait for their clients, and the bytes that these keep.
  Budget analyses{kMaxAnalyses};
  Budget rankings{kMaxAnalyses};
  Budget ranking_memory{kMaxRankingBytes};
};

// Makes a stream, hands it to the registry and starts it. Returns what the handler returns to gRPC.
template <typename Stream, typename... Arguments>
Stream* StartStream(Shared& shared, Arguments&&... arguments) {
  auto stream = std::make_shared<Stream>(shared, std::forward<Arguments>(arguments)...);
  shared.streams.Add(stream);
  stream->Start();
  return stream.get();
}

}  // namespace headscope::server
