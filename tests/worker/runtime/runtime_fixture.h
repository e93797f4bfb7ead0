// A model root of golden models and everything that works on shards of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/runtime/shard_session.h"

namespace headscope::worker {

// Puts the golden model `family` (tests/golden) beneath `root` as `name`; with the tiny byte-level tokenizer, in which
// the byte B has id B, when wanted.
void AddGoldenModel(const TempDirectory& root, const std::string& family, const std::string& name,
                    bool with_tokenizer = false);
// Writes `bytes` as a file of model `name`.
void WriteModelFile(const TempDirectory& root, const std::string& name, const std::string& file,
                    const std::string& bytes);

struct GoldenSample {
  Sample sample;
  double objective = 0;
  // [layers * heads]
  std::vector<double> scores;
};
std::vector<GoldenSample> ReadGolden(const std::string& family);

// The composition that headscope-worker makes, on one compute thread.
class Runtime {
 public:
  // Over a root that outlives this; an empty factory makes real engines.
  explicit Runtime(const TempDirectory& root, EngineFactory make_engine = {},
                   std::int64_t budget_bytes = std::int64_t{1} << 30);

  // A shard of golden samples of model `name`, pinned to what is there now.
  ShardInput GoldenShard(const std::string& name, const std::string& family, std::uint32_t batch_tokens);

  Metrics metrics;
  std::unique_ptr<ModelCatalogue> catalogue;
  DeviceThread device;
  ModelCache models;
  TokenizerCache tokenizers;
  ShardSession session;
};

// An engine that hands on to a real one after asking `before`, whose error it returns instead.
EngineFactory InterceptedEngine(std::function<absl::Status(const PackedBatch&, const CancelCheck&)> before);

}  // namespace headscope::worker
