#include "proto/support/wire/status_codec.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace headscope {
namespace {

TEST(StatusCodecTest, DetailsCrossTheWire) {
  const absl::Status sent = MakeError(absl::StatusCode::kResourceExhausted, "queue full",
                                      {"QUEUE_FULL", {{"spec", "too many"}}, absl::Milliseconds(1500)});
  const absl::Status received = FromGrpc(ToGrpc(sent));
  EXPECT_EQ(received.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(received.message(), "queue full");
  const ErrorDetails details = DetailsOf(received);
  EXPECT_EQ(details.reason, "QUEUE_FULL");
  EXPECT_EQ(details.retry_after, absl::Milliseconds(1500));
  ASSERT_EQ(details.violations.size(), 1u);
}

TEST(StatusCodecTest, EveryErrorCarriesExactlyOneErrorInfo) {
  const grpc::Status status = ToGrpc(absl::NotFoundError("no such job"));
  google::rpc::Status rich;
  ASSERT_TRUE(rich.ParseFromString(status.error_details()));
  ASSERT_EQ(rich.details_size(), 1);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(rich.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NOT_FOUND");
  EXPECT_EQ(info.domain(), "headscope");
}

TEST(StatusCodecTest, StaysBelowTheDefaultMetadataLimit) {
  ErrorDetails details{"BAD_FIELDS", {}, {}};
  for (int i = 0; i < 5000; ++i) details.violations.push_back({absl::StrCat("samples[", i, "].id"), "a duplicate"});
  const grpc::Status status =
      ToGrpc(MakeError(absl::StatusCode::kInvalidArgument, std::string(5000, 'm'), std::move(details)));
  EXPECT_LE(status.error_message().size() * 3 + status.error_details().size() * 4 / 3, 8u << 10);
  const ErrorDetails received = DetailsOf(FromGrpc(status));
  EXPECT_GT(received.violations.size(), 10u);
  EXPECT_EQ(received.violations.back().description,
            absl::StrCat("and ", 5000 - (received.violations.size() - 1), " more"));
}

TEST(StatusCodecTest, CutMessagesStayUtf8) {
  std::string message;
  for (int i = 0; i < 1000; ++i) message += "\xE2\x82\xAC";
  const std::string cut = ToGrpc(absl::InternalError(message)).error_message();
  EXPECT_EQ((cut.size() - 3) % 3, 0u);
  EXPECT_TRUE(cut.ends_with("..."));
}

TEST(StatusCodecTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

}  // namespace
}  // namespace headscope
