#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/headscope/client_impl.h"

namespace headscope::client {
namespace {

// grpc.health.v1's two messages have one field each, so they are written and read by hand: their generated code is in
// no package. HealthCheckRequest: string service = 1.
grpc::ByteBuffer EncodeRequest(const std::string& service) {
  std::string bytes;
  if (!service.empty()) {
    bytes += '\x0a';
    // Names longer than one length byte holds are cut; no such service exists.
    const std::string name = service.substr(0, 127);
    bytes += static_cast<char>(name.size());
    bytes += name;
  }
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// HealthCheckResponse: enum status = 1; absent means UNKNOWN.
std::string DecodeResponse(const grpc::ByteBuffer& response) {
  grpc::Slice slice;
  if (!response.DumpToSingleSlice(&slice).ok() || slice.size() < 2 || slice.begin()[0] != 0x08) return "UNKNOWN";
  switch (slice.begin()[1]) {
    case 1:
      return "SERVING";
    case 2:
      return "NOT_SERVING";
    default:
      return "UNKNOWN";
  }
}

}  // namespace

absl::StatusOr<std::string> Client::Health(const std::string& service) {
  grpc::GenericStub stub(impl_->channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + impl_->options.call_timeout));
  const grpc::ByteBuffer request = EncodeRequest(service);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status answer) {
                   status = std::move(answer);
                   done.Notify();
                 });
  done.WaitForNotification();
  if (!status.ok()) return FromGrpc(status);
  return DecodeResponse(response);
}

}  // namespace headscope::client
