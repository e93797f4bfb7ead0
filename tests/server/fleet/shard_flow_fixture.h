// A worker that computes the shards of jobs, played by the test.
#pragma once

#include <memory>
#include <string>

#include "tests/server/fleet/fleet_fixture.h"

namespace headscope::server {

class ShardFlowTest : public FleetFixture {
 protected:
  // A worker with a session.
  std::unique_ptr<TestWorker> Worker(const std::string& id) {
    auto worker = std::make_unique<TestWorker>(Connect(), id);
    EXPECT_TRUE(worker->Open().ok());
    return worker;
  }
  // The SCORE shard of a job of `samples` samples, prepared and leased.
  wv1::Shard LeasedScoreShard(TestWorker& worker, std::uint32_t samples, const ComputeOptions& compute = {}) {
    job_ = Submit(PutDataset(samples), compute);
    const wv1::Shard prepare = worker.Lease(kPatience).shard();
    EXPECT_TRUE(worker.Complete(prepare).ok());
    return worker.Lease(kPatience).shard();
  }

  std::string job_;
};

}  // namespace headscope::server
