#include "proto/support/wire/status_codec.h"

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/support/limits.h"

namespace headscope {
namespace {

// gRPC clients accept 8 KiB of metadata unless told otherwise. The details travel base64-encoded (4/3), the message
// beside them percent-encoded (up to 3 times), so that 1 KiB and 3 KiB stay below it together.
constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxDetails = 3072;
constexpr char kDomain[] = "headscope";

std::string Cut(std::string text, std::size_t size) {
  if (text.size() <= size) return text;
  text.resize(size - 3);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80) text.pop_back();
  return text + "...";
}

void AddViolations(const std::vector<FieldViolation>& violations, std::size_t room, google::rpc::BadRequest& request) {
  std::size_t listed = 0;
  for (const FieldViolation& violation : violations) {
    const std::size_t size = violation.field.size() + violation.description.size() + 16;
    if (listed == kMaxFieldViolations || size > room) break;
    room -= size;
    auto& entry = *request.add_field_violations();
    entry.set_field(violation.field);
    entry.set_description(violation.description);
    ++listed;
  }
  if (listed == violations.size()) return;
  auto& entry = *request.add_field_violations();
  entry.set_field("...");
  entry.set_description(absl::StrCat("and ", violations.size() - listed, " more"));
}

std::string DefaultReason(absl::StatusCode code) { return absl::StatusCodeToString(code); }

google::rpc::Status Details(const absl::Status& status, const std::string& message) {
  const ErrorDetails details = DetailsOf(status);
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(details.reason.empty() ? DefaultReason(status.code()) : details.reason);
  info.set_domain(kDomain);
  rich.add_details()->PackFrom(info);
  if (details.retry_after) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(*details.retry_after));
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(
        (*details.retry_after - absl::Seconds(absl::ToInt64Seconds(*details.retry_after))) / absl::Nanoseconds(1)));
    rich.add_details()->PackFrom(retry);
  }
  if (!details.violations.empty()) {
    google::rpc::BadRequest request;
    AddViolations(details.violations, kMaxDetails - message.size() - 256, request);
    rich.add_details()->PackFrom(request);
  }
  return rich;
}

ErrorDetails Unpack(const google::rpc::Status& rich) {
  ErrorDetails details;
  for (const auto& any : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    google::rpc::BadRequest request;
    if (any.UnpackTo(&info)) {
      details.reason = info.reason();
    } else if (any.UnpackTo(&retry)) {
      details.retry_after =
          absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
    } else if (any.UnpackTo(&request)) {
      for (const auto& violation : request.field_violations()) {
        details.violations.push_back({violation.field(), violation.description()});
      }
    }
  }
  return details;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Cut(std::string(status.message()), kMaxMessage);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      Details(status, message).SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  google::rpc::Status rich;
  if (status.error_details().empty() || !rich.ParseFromString(status.error_details())) {
    return absl::Status(code, status.error_message());
  }
  return MakeError(code, status.error_message(), Unpack(rich));
}

}  // namespace headscope
