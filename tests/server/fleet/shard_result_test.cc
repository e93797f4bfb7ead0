// Results that workers hand in: what is refused, and that the lease stays good.
#include <cmath>
#include <functional>
#include <limits>

#include "gmock/gmock.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/server/fleet/shard_flow_fixture.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;

using ShardResultTest = ShardFlowTest;

struct Fault {
  const char* name;
  std::function<void(wv1::ScoreBlock&)> spoil;
  const char* said;
};

class BadResultTest : public ShardFlowTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(BadResultTest, IsRefusedAndTheLeaseStaysGood) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  GetParam().spoil(*messages[1].mutable_scores());

  const grpc::Status status = worker->Send(worker->Wrap(shard, {messages[1], messages[2]}));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr(GetParam().said));
  EXPECT_TRUE(worker->Complete(shard).ok());
  EXPECT_EQ(GetJob(job_).state, JobState::kSucceeded);
}

headscope::v1::Tensor Plane(const std::vector<std::uint32_t>& shape, float value) {
  std::size_t size = 1;
  for (const std::uint32_t extent : shape) size *= extent;
  return EncodeTensor(std::vector<float>(size, value), shape);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BadResultTest,
    ::testing::Values(
        Fault{"NotANumber",
              [](wv1::ScoreBlock& block) {
                (*block.mutable_planes())["prompt_signed"] = Plane({1, kLayers, kHeads}, std::nanf(""));
              },
              ""},
        Fault{"InfiniteObjective",
              [](wv1::ScoreBlock& block) { block.set_objective(0, std::numeric_limits<double>::infinity()); }, ""},
        Fault{"AnotherShape",
              [](wv1::ScoreBlock& block) {
                (*block.mutable_planes())["prompt_signed"] = Plane({1, kHeads, kLayers}, 1);
              },
              "plane prompt_signed is not [1, 2, 3]"},
        Fault{"DataThatIsShort",
              [](wv1::ScoreBlock& block) { (*block.mutable_planes())["prompt_signed"].mutable_data()->pop_back(); },
              "plane prompt_signed"},
        Fault{"AMissingPlane", [](wv1::ScoreBlock& block) { block.mutable_planes()->erase("prompt_signed"); },
              "3 planes, the method has 4"},
        Fault{"AnUnknownPlane",
              [](wv1::ScoreBlock& block) {
                block.mutable_planes()->erase("prompt_signed");
                (*block.mutable_planes())["invented"] = Plane({1, kLayers, kHeads}, 1);
              },
              "plane prompt_signed is missing"},
        Fault{"AForeignSample", [](wv1::ScoreBlock& block) { block.set_samples(0, 9); }, ""},
        Fault{"ASampleTwice", [](wv1::ScoreBlock& block) { block.set_samples(0, 1); }, ""},
        Fault{"CountsThatDisagree", [](wv1::ScoreBlock& block) { block.add_tokens(4); }, "2 token counts"},
        Fault{"OtherTokensThanPrepared", [](wv1::ScoreBlock& block) { block.set_tokens(0, 5); },
              "9 tokens, 8 were counted"},
        Fault{"NoSupervisedTokens", [](wv1::ScoreBlock& block) { block.set_response_tokens(0, 0); }, "0 supervised"}),
    [](const auto& info) { return info.param.name; });

TEST_F(ShardResultTest, AWrongDigestIsRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  messages[1].mutable_scores()->set_objective(0, 3);
  EXPECT_EQ(ReasonIn(worker->Send(messages)), "CHECKSUM_MISMATCH");
}

TEST_F(ShardResultTest, AStreamOutOfOrderIsRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  EXPECT_EQ(worker->Send({messages[1]}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(worker->Send({messages[0], messages[1]}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(worker->Send({messages[0], messages[0]}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(worker->Send({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(worker->Send(messages).ok());
}

TEST_F(ShardResultTest, AResultBeyondWhatTheShardCanHaveIsRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  std::vector<wv1::CompleteShardRequest> many(1000, messages[1]);
  const grpc::Status status = worker->Send(worker->Wrap(shard, many));
  EXPECT_EQ(ReasonIn(status), "RESULT_TOO_LARGE");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "the worker shall not try that again";
}

TEST_F(ShardResultTest, PreparationMustNameEverySampleOnce) {
  auto worker = Worker("w1");
  Submit(PutDataset(3));
  const wv1::Shard shard = worker->Lease(kPatience).shard();
  auto messages = worker->PrepareResult(shard);
  messages[1].mutable_prepared()->mutable_samples()->RemoveLast();
  messages[1].mutable_prepared()->mutable_tokens()->RemoveLast();
  messages[1].mutable_prepared()->mutable_prompt_tokens()->RemoveLast();
  EXPECT_THAT(worker->Send(worker->Wrap(shard, {messages[1]})).error_message(), HasSubstr("2 samples were prepared"));
}

}  // namespace
}  // namespace headscope::server
