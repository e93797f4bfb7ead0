#include "tests/worker/support/engine_fixture.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/fast/fast_engine.h"
#include "worker/tools/engine_check_model.h"

namespace headscope::worker {
namespace {

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << "test set-up: " << value.status() << std::endl;
    std::abort();
  }
  return *std::move(value);
}

}  // namespace

TestEngine LoadTestEngine(const std::string& directory, DType dtype, EngineKind kind) {
  TestEngine test;
  test.model = ValueOrDie(LoadCheckedModel(directory, {.dtype = dtype, .device = "cpu", .root = ""}));
  test.engine = ValueOrDie(MakeEngine(kind, test.model));
  return test;
}

TestEngine LoadFloat32Engine(const std::string& directory) {
  TestEngine test;
  test.model = ValueOrDie(LoadCheckedModel(directory, {.dtype = DType::kFloat32, .device = "cpu", .root = ""}));
  test.engine = ValueOrDie(FastEngine::Create(test.model, {.float64_parameters = 0}));
  return test;
}

GoldenCase LoadGolden(const std::string& name) { return ValueOrDie(ReadGoldenCase(GoldenDirectory(name))); }

std::vector<HeadMatrix> ScoresOf(const TestEngine& test, const PackedBatch& batch) {
  const GateGradients gradients = ValueOrDie(test.engine->Gradients(batch, nullptr));
  std::vector<HeadMatrix> scores(batch.size(), HeadMatrix(test.layers(), std::vector<double>(test.heads(), 0.0)));
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    for (std::int64_t head = 0; head < test.layers() * test.heads(); ++head) {
      for (std::int64_t token = batch.offsets[sample]; token < batch.offsets[sample + 1]; ++token) {
        scores[sample][head / test.heads()][head % test.heads()] += gradients.d[head * batch.tokens() + token];
      }
    }
  }
  return scores;
}

std::vector<double> GatedObjectives(const TestEngine& test, const PackedBatch& batch, std::int64_t layer,
                                    std::int64_t head, float gate) {
  HeadGates gates(batch.size() * test.layers() * test.heads(), 1.0f);
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    gates[(sample * test.layers() + layer) * test.heads() + head] = gate;
  }
  return ValueOrDie(test.engine->Objectives(batch, gates, nullptr));
}

std::vector<std::int32_t> MadeUpIds(std::int64_t length, std::int64_t vocabulary, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>(random() % vocabulary));
  return ids;
}

}  // namespace headscope::worker
