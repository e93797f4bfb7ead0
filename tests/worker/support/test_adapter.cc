#include "tests/worker/support/test_adapter.h"

#include <cmath>
#include <filesystem>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

// GPT-2 stores [in, out].
bool IsTransposed(const TestModel& model, const std::string& module) {
  return model.config.at("model_type") == "gpt2" && absl::StrContains(module, ".c_");
}

TestTensor RandomTensor(std::vector<std::int64_t> shape, double deviation, std::mt19937& random) {
  std::normal_distribution<double> normal(0.0, deviation);
  TestTensor tensor = {.dtype = "F32", .shape = std::move(shape), .bytes = ""};
  std::vector<double> values(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1]));
  for (double& value : values) value = normal(random);
  tensor.SetValues(values);
  return tensor;
}

}  // namespace

std::string TestAdapter::Name(const std::string& module, const char* part) {
  return absl::StrCat("base_model.model.", module, ".lora_", part, ".weight");
}

TestAdapter TestAdapter::Random(const TestModel& base, const std::vector<std::string>& modules, std::int64_t rank,
                                std::uint32_t seed) {
  TestAdapter adapter;
  adapter.config = {{"peft_type", "LORA"},
                    {"base_model_name_or_path", "base"},
                    {"r", rank},
                    {"lora_alpha", 3},
                    {"target_modules", ".*"},
                    {"bias", "none"},
                    {"fan_in_fan_out", base.config["model_type"] == "gpt2"}};
  std::mt19937 random(seed);
  for (const std::string& module : modules) {
    const std::vector<std::int64_t>& shape = base.tensors.at(module + ".weight").shape;
    const bool transposed = IsTransposed(base, module);
    const std::int64_t out = shape[transposed ? 1 : 0], in = shape[transposed ? 0 : 1];
    adapter.tensors[Name(module, "A")] = RandomTensor({rank, in}, 1 / std::sqrt(static_cast<double>(in)), random);
    adapter.tensors[Name(module, "B")] = RandomTensor({out, rank}, 0.3, random);
  }
  return adapter;
}

void TestAdapter::WriteTo(const std::string& directory) const {
  std::filesystem::create_directories(directory);
  WriteFileOrDie(directory + "/adapter_config.json", config.dump());
  WriteFileOrDie(directory + "/adapter_model.safetensors", SafetensorsBytes(tensors));
}

std::vector<std::string> LinearModules(const TestModel& model) {
  std::vector<std::string> modules;
  for (const auto& [name, tensor] : model.tensors) {
    const bool is_embedding = absl::StrContains(name, "embed_tokens") || absl::StrContains(name, "embed_positions") ||
                              absl::StrContains(name, "embed_in") || absl::StrContains(name, ".wte.") ||
                              absl::StrContains(name, ".wpe.");
    if (tensor.shape.size() == 2 && !is_embedding) modules.push_back(name.substr(0, name.rfind('.')));
  }
  return modules;
}

TestModel MergedModel(const TestModel& base, const TestAdapter& adapter, double scale) {
  TestModel merged = base;
  for (const auto& [name, down] : adapter.tensors) {
    if (!absl::EndsWith(name, ".lora_A.weight")) continue;
    const std::string prefix = "base_model.model.";
    const std::string module = name.substr(prefix.size(), name.size() - prefix.size() - 14);
    const TestTensor& up = adapter.tensors.at(TestAdapter::Name(module, "B"));
    const std::vector<double> a = down.Values(), b = up.Values();
    const std::int64_t rank = down.shape[0], in = down.shape[1], out = up.shape[0];
    const bool transposed = IsTransposed(base, module);
    TestTensor& weight = merged.tensors.at(module + ".weight");
    std::vector<double> values = weight.Values();
    for (std::int64_t row = 0; row < out; ++row) {
      for (std::int64_t column = 0; column < in; ++column) {
        double sum = 0;
        for (std::int64_t k = 0; k < rank; ++k) sum += b[row * rank + k] * a[k * in + column];
        values[transposed ? column * out + row : row * in + column] += scale * sum;
      }
    }
    weight.dtype = "F64";
    weight.SetValues(values);
  }
  return merged;
}

}  // namespace headscope::worker
