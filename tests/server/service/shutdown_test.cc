// The order of ending that services.h asks for.
#include <gtest/gtest.h>

#include "tests/server/service/service_harness.h"
#include "tests/server/service/watcher.h"

namespace headscope::server {
namespace {

TEST(ShutdownTest, OpenStreamsAreToldToComeBackAndShutdownReturns) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  Watcher watcher(harness, id);
  ASSERT_TRUE(watcher.Next().has_value());
  const auto context = Context();
  v1::UploadDatasetResponse response;
  const auto upload = harness.datasets().UploadDataset(context.get(), &response);
  ASSERT_TRUE(upload->Write(HeaderPart()));
  harness.services().FinishStreams();
  EXPECT_FALSE(watcher.Next().has_value());
  for (const grpc::Status& status : {watcher.Finish(), upload->Finish()}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(status), "DRAINING");
    EXPECT_TRUE(DetailsOf(status).retry_after.has_value());
  }
  Watcher late(harness, id);
  EXPECT_FALSE(late.Next().has_value());
  EXPECT_EQ(late.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  harness.ShutdownServer(absl::Seconds(10));
}

TEST(ShutdownTest, WatcherThatDoesNotReadHoldsItUpNoLongerThanTheGrace) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  Watcher watcher(harness, id);
  ASSERT_TRUE(watcher.Next().has_value());
  for (std::uint32_t i = 0; i < 100'000; ++i) harness.events().Publish(id, AttemptOn(i));
  harness.services().FinishStreams();
  harness.ShutdownServer(absl::Milliseconds(200));
  EXPECT_EQ(harness.events().watcher_count(), 0u);
}

TEST(ShutdownTest, NewWorkIsRefusedWhileTheRestGoesOn) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  v1::SubmitJobRequest submit;
  submit.mutable_spec()->set_model(ServiceHarness::kModel);
  submit.mutable_spec()->set_dataset(harness.Upload(1));
  harness.services().RefuseNewWork();
  v1::SubmitJobResponse submitted;
  grpc::Status status = harness.attribution().SubmitJob(Context().get(), submit, &submitted);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  EXPECT_TRUE(DetailsOf(status).retry_after.has_value());
  EXPECT_EQ(headscope::ReasonOf(UploadParts(harness, {HeaderPart()}).status), "DRAINING");
  v1::TokenizeRequest tokenize;
  tokenize.set_model(ServiceHarness::kModel);
  const auto context = Context();
  const auto reader = harness.models().Tokenize(context.get(), tokenize);
  v1::TokenizeResponse tokens;
  EXPECT_FALSE(reader->Read(&tokens));
  EXPECT_EQ(ReasonOf(reader->Finish()), "DRAINING");
  Watcher watcher(harness, id);
  EXPECT_TRUE(watcher.Next().has_value());
}

}  // namespace
}  // namespace headscope::server
