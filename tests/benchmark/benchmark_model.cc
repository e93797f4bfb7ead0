#include "tests/benchmark/benchmark_model.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/fakes/temporary_directory.h"
#include "worker/tools/model_writer/checkpoint_plan.h"
#include "worker/tools/model_writer/model_directory_writer.h"
#include "worker/tools/model_writer/random.h"

namespace headscope::worker {
namespace {

void ExitUnlessOk(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::exit(1);
}

std::shared_ptr<const Model> LoadFrom(const std::string& directory) {
  auto model = Model::Load(directory, LoadOptions());
  ExitUnlessOk(model.status());
  return *model;
}

std::shared_ptr<const Model> LoadRandomModel() {
  const std::string directory = MakeTemporaryFolder();
  const CheckpointPlan plan = PlanGpt2({});
  ExitUnlessOk(WriteModelDirectory(directory, plan, StoredType::kBFloat16, RandomTensors(plan, 1)));
  std::shared_ptr<const Model> model = LoadFrom(directory);
  std::filesystem::remove_all(directory);
  return model;
}

}  // namespace

std::shared_ptr<const Model> BenchmarkModel() {
  const char* named = std::getenv("HEADSCOPE_BENCHMARK_MODEL");
  static const std::shared_ptr<const Model> model = named != nullptr ? LoadFrom(named) : LoadRandomModel();
  return model;
}

PackedBatch RandomBatch(const Model& model, std::int64_t samples, std::int64_t length) {
  Random random(1);
  PackedBatch batch;
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < length; ++i) {
      ids.push_back(static_cast<std::int32_t>(random.Between(0, model.spec().vocabulary - 1)));
    }
    batch.Add(ids, length / 2);
  }
  return batch;
}

int BenchmarkThreads() {
  const char* named = std::getenv("HEADSCOPE_BENCHMARK_THREADS");
  if (named != nullptr) return std::max(1, std::atoi(named));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace headscope::worker
