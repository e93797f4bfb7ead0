#include "tests/worker/link/link_fixture.h"

#include <utility>

namespace headscope::worker {

LinkTest::LinkTest() {
  AddGoldenModel(root_, "llama", "m", /*with_tokenizer=*/true);
  options_.server = server_.address();
  options_.worker_id = "worker";
  options_.boot_id = "boot";
  options_.first_retry = absl::Milliseconds(5);
  options_.last_retry = absl::Milliseconds(20);
  options_.report_interval = absl::Milliseconds(5);
  options_.methods = {"gradient"};
}

void LinkTest::StartWorker(std::function<absl::Status(const PackedBatch&, const CancelCheck&)> before) {
  runtime_ = std::make_unique<Runtime>(root_, before ? InterceptedEngine(std::move(before)) : EngineFactory());
  link_ = std::make_unique<WorkerLink>(
      options_, LinkTargets{*runtime_->catalogue, runtime_->models, runtime_->session, runtime_->metrics},
      [this](const absl::Status& status) {
        refusal_ = std::string(status.message());
        refused_.Notify();
      });
  link_->Start();
}

bool Holds(const FakeState& state, const std::string& shard) {
  if (state.heartbeats.empty()) return false;
  for (const v1::Held& held : state.heartbeats.back().held()) {
    if (held.lease().shard() == shard) return true;
  }
  return false;
}

v1::Shard LinkTest::ScoreShard(const std::string& id, std::uint32_t batch_tokens) {
  v1::Shard shard;
  shard.mutable_lease()->set_shard(id);
  shard.mutable_lease()->set_fence(3);
  shard.set_phase(v1::PHASE_SCORE);
  shard.set_model("m");
  const auto catalogue = ModelCatalogue::Open({.root = root_.path()}).value();
  shard.set_model_digest(catalogue->Resolve("m", {})->digest);
  shard.set_batch_tokens(batch_tokens);
  for (std::uint32_t sample = 0; sample < GoldenSamples().size(); ++sample) shard.add_samples(100 + sample);
  return shard;
}

std::vector<Sample> LinkTest::GoldenSamples() {
  std::vector<Sample> samples;
  for (GoldenSample& golden : ReadGolden("llama")) samples.push_back(std::move(golden.sample));
  return samples;
}

void LinkTest::QueueScore(const std::string& id, std::uint32_t batch_tokens) {
  server_.Queue(ScoreShard(id, batch_tokens), GoldenSamples());
}

}  // namespace headscope::worker
