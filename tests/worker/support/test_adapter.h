// LoRA adapters made by tests, and the models they make when multiplied out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {

// An adapter's config and tensors that can be changed and then written.
struct TestAdapter {
  // Random low-rank terms of `rank` for `modules` of `base`, alpha 3, base_model_name_or_path "base". The same for the
  // same seed.
  static TestAdapter Random(const TestModel& base, const std::vector<std::string>& modules, std::int64_t rank,
                            std::uint32_t seed);

  // Into `directory`, which is made where it is not there.
  void WriteTo(const std::string& directory) const;
  // "base_model.model.<module>.lora_<part>.weight"
  static std::string Name(const std::string& module, const char* part);

  nlohmann::json config;
  TestTensors tensors;
};

// Paths of all modules of `model` that are a matrix and no embedding; the vocabulary head is one.
std::vector<std::string> LinearModules(const TestModel& model);

// `base` with every low-rank term of `adapter`, times `scale`, added up in float64.
TestModel MergedModel(const TestModel& base, const TestAdapter& adapter, double scale);

}  // namespace headscope::worker
