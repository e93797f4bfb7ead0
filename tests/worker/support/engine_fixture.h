// Shorthand of the engine tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/model/engine.h"
#include "worker/model/model.h"
#include "worker/tools/engine_check_golden.h"

namespace headscope::worker {

// A loaded model and an engine. The test ends at once where loading fails.
struct TestEngine {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Engine> engine;

  std::int64_t layers() const { return model->spec().layers; }
  std::int64_t heads() const { return model->spec().heads; }
};
TestEngine LoadTestEngine(const std::string& directory, DType dtype, EngineKind kind = EngineKind::kReference);
// The fast engine on a model loaded in float32, small models too computed in float32: what large ones get.
TestEngine LoadFloat32Engine(const std::string& directory);

GoldenCase LoadGolden(const std::string& name);

// Sum of D per sample and head, [samples] of [layers][heads].
std::vector<HeadMatrix> ScoresOf(const TestEngine& test, const PackedBatch& batch);

// Objectives with head `head` of `layer` of every sample multiplied by `gate`.
std::vector<double> GatedObjectives(const TestEngine& test, const PackedBatch& batch, std::int64_t layer,
                                    std::int64_t head, float gate);

// Deterministic ids below `vocabulary`.
std::vector<std::int32_t> MadeUpIds(std::int64_t length, std::int64_t vocabulary, std::uint32_t seed);

}  // namespace headscope::worker
