// OpenSession and CloseSession.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/log.h"
#include "server/fleet/calls.h"
#include "server/fleet/unary_call.h"
#include "server/fleet/worker_codec.h"

namespace headscope::server::calls {
namespace {

using worker::v1::CloseSessionRequest;
using worker::v1::CloseSessionResponse;
using worker::v1::OpenSessionRequest;
using worker::v1::OpenSessionResponse;
using OpenCall = UnaryCall<OpenSessionRequest, OpenSessionResponse>;
using CloseCall = UnaryCall<CloseSessionRequest, CloseSessionResponse>;

// Takes the same time whatever differs.
bool SameSecret(const std::string& a, grpc::string_ref b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.data()[i]);
  }
  return difference == 0;
}

bool SentLocalToken(const FleetParts& parts, const grpc::CallbackServerContext& context) {
  const std::string& token = parts.options.local_token;
  const auto sent = context.client_metadata().find(Fleet::kLocalTokenKey);
  return !token.empty() && sent != context.client_metadata().end() && SameSecret(token, sent->second);
}

absl::StatusOr<WorkerDescription> Describe(const FleetParts& parts, const grpc::CallbackServerContext& context,
                                           const OpenSessionRequest& request) {
  absl::StatusOr<WorkerDescription> description = worker_codec::DescriptionOf(request);
  if (!description.ok()) return description;
  if (!absl::StartsWith(description->worker_id, Fleet::kLocalPrefix)) return description;
  if (!SentLocalToken(parts, context)) {
    return MakeError(absl::StatusCode::kPermissionDenied,
                     absl::StrCat("worker id ", description->worker_id, ": ids that begin with ", Fleet::kLocalPrefix,
                                  " are for workers that this server starts itself; choose another --worker-id"),
                     "NOT_A_LOCAL_WORKER");
  }
  description->local = true;
  return description;
}

// What OpenSession does in the store.
absl::StatusOr<SessionRef> OpenInStore(FleetParts& parts, JobStore& store, const WorkerDescription& description,
                                       const std::vector<CatalogueEntry>& entries, const OpenSessionRequest& request) {
  absl::StatusOr<SessionGrant> grant = store.OpenSession(description);
  if (!grant.ok()) return grant.status();
  if (absl::Status status = store.PutCatalogue(description.worker_id, entries); !status.ok()) return status;
  if (const auto former = parts.sessions.OfWorker(description.worker_id)) {
    // The same process again has lost its connection, not its life.
    const auto known = parts.sessions.Find(*former);
    ForgetSession(parts, store, *former, /*lost=*/!known || known->description.boot_id != description.boot_id);
  }
  ConnectedWorker worker;
  worker.description = description;
  worker.session = grant->ref;
  worker.models = ModelsByName(entries);
  worker.resident = worker_codec::NamesOf(request.resident());
  worker.last_heard = parts.clock.Now();
  parts.sessions.Open(std::move(worker));
  parts.news.Apply(grant->effect);
  RefreshKnownModels(parts, store);
  return grant->ref;
}

void Answer(const FleetParts& parts, const SessionRef& session, std::uint32_t protocol, OpenCall& call) {
  call.Answer([&](OpenSessionResponse& response) {
    response.set_protocol(protocol);
    response.set_session(session.session);
    response.set_epoch(session.epoch);
    *response.mutable_heartbeat_interval() = worker_codec::ToDuration(parts.options.heartbeat_interval);
    *response.mutable_session_ttl() = worker_codec::ToDuration(kSessionTtl);
  });
}

}  // namespace

grpc::ServerUnaryReactor* OpenSession(FleetParts& parts, const grpc::CallbackServerContext& context,
                                      const OpenSessionRequest* request, OpenSessionResponse* response) {
  const auto call = OpenCall::Begin(parts, "OpenSession", request, response);
  const absl::StatusOr<std::uint32_t> protocol = worker_codec::ProtocolFor(call->request());
  absl::StatusOr<WorkerDescription> description = Describe(parts, context, call->request());
  absl::StatusOr<std::vector<CatalogueEntry>> entries = worker_codec::EntriesOf(call->request().catalogue());
  absl::Status status = protocol.status();
  status.Update(description.status());
  status.Update(entries.status());
  if (status.ok() && parts.draining) status = FleetIsStopping();
  if (!status.ok()) {
    Log(LogLevel::kWarning, "worker refused", {{"worker", call->request().worker_id()}, {"status", status}});
    call->Abort(status);
    return call.get();
  }
  call->OnStore([&parts, call, version = *protocol, worker = *std::move(description),
                 known = *std::move(entries)](JobStore& store) {
    const absl::StatusOr<SessionRef> session = OpenInStore(parts, store, worker, known, call->request());
    if (!session.ok()) {
      Log(LogLevel::kWarning, "worker refused", {{"worker", worker.worker_id}, {"status", session.status()}});
      return call->Abort(session.status());
    }
    Log(LogLevel::kInfo, "worker's session opened",
        {{"worker", worker.worker_id},
         {"device", worker.device},
         {"build", worker.build},
         {"models", known.size()},
         {"epoch", session->epoch}});
    Answer(parts, *session, version, *call);
    if (parts.options.session_opened) parts.options.session_opened(worker.worker_id);
  });
  return call.get();
}

grpc::ServerUnaryReactor* CloseSession(FleetParts& parts, const CloseSessionRequest* request,
                                       CloseSessionResponse* response) {
  const auto call = CloseCall::Begin(parts, "CloseSession", request, response);
  call->OnStore([&parts, call](JobStore& store) {
    const SessionRef session = worker_codec::SessionOf(call->request());
    const absl::StatusOr<Effect> effect = store.CloseSession(session);
    if (!effect.ok()) return call->Abort(effect.status());
    ForgetSession(parts, store, session, /*lost=*/false);
    parts.news.Apply(*effect);
    call->Answer();
  });
  return call.get();
}

}  // namespace headscope::server::calls
