#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/model.h"

namespace headscope::worker {
namespace {

// The model's tensors narrowed to `type` in the file, and what those values are in float32.
struct Narrowed {
  TestModel narrow;
  TestModel wide;
};
Narrowed Narrow(const std::string& golden, at::ScalarType type, const std::string& dtype) {
  Narrowed result = {TestModel::Golden(golden), TestModel::Golden(golden)};
  for (auto& [name, tensor] : result.narrow.tensors) {
    at::Tensor values = at::tensor(tensor.Values(), at::kDouble).to(type).contiguous();
    result.wide.tensors[name].SetValues([&] {
      const at::Tensor exact = values.to(at::kDouble);
      return std::vector<double>(exact.data_ptr<double>(), exact.data_ptr<double>() + exact.numel());
    }());
    tensor.dtype = dtype;
    tensor.bytes.assign(static_cast<const char*>(values.data_ptr()), values.nbytes());
  }
  return result;
}

TEST(ModelLoadTest, NarrowFloatsAreWidenedExactly) {
  for (const auto& [type, dtype] :
       {std::pair(at::kBFloat16, "BF16"), std::pair(at::kHalf, "F16"), std::pair(at::kDouble, "F64")}) {
    const Narrowed files = Narrow("llama", type, dtype);
    const TestEngine narrow = LoadTestEngine(files.narrow.Write(), DType::kFloat32);
    const TestEngine wide = LoadTestEngine(files.wide.Write(), DType::kFloat32);
    EXPECT_EQ(narrow.model->description().stored_dtype, dtype);
    const PackedBatch batch = BatchOf(LoadGolden("llama").samples);
    EXPECT_EQ(narrow.engine->Gradients(batch, nullptr)->d, wide.engine->Gradients(batch, nullptr)->d) << dtype;
  }
}

TEST(ModelLoadTest, ShardsGiveTheSameBytesAsOneFile) {
  for (const char* name : {"gpt2", "gemma2"}) {
    const TestModel model = TestModel::Golden(name);
    const TestEngine single = LoadTestEngine(model.Write(), DType::kFloat32);
    const TestEngine sharded = LoadTestEngine(model.WriteSharded(3), DType::kFloat32);
    const PackedBatch batch = BatchOf(LoadGolden(name).samples);
    EXPECT_EQ(single.engine->Gradients(batch, nullptr)->d, sharded.engine->Gradients(batch, nullptr)->d);
  }
}

TEST(ModelLoadTest, NamesWithoutThePrefixGiveTheSameBytes) {
  for (const auto& [name, prefix] : {std::pair("gpt2", "transformer."), std::pair("llama", "model.")}) {
    TestModel model = TestModel::Golden(name);
    TestTensors renamed;
    for (const auto& [key, tensor] : model.tensors) {
      renamed[key.starts_with(prefix) ? key.substr(std::strlen(prefix)) : key] = tensor;
    }
    model.tensors = renamed;
    const PackedBatch batch = BatchOf(LoadGolden(name).samples);
    EXPECT_EQ(LoadTestEngine(model.Write(), DType::kFloat32).engine->Gradients(batch, nullptr)->d,
              LoadTestEngine(GoldenDirectory(name), DType::kFloat32).engine->Gradients(batch, nullptr)->d);
  }
}

TEST(ModelLoadTest, ATiedModelUsesTheEmbeddingEvenWhereAHeadIsThere) {
  TestModel model = TestModel::Golden("llama3");
  model.tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"];
  model.tensors["lm_head.weight"].SetValues(std::vector<double>(97 * 64, 0.0));
  const PackedBatch batch = BatchOf(LoadGolden("llama3").samples);
  EXPECT_EQ(*LoadTestEngine(model.Write(), DType::kFloat32).engine->Objectives(batch, {}, nullptr),
            *LoadTestEngine(GoldenDirectory("llama3"), DType::kFloat32).engine->Objectives(batch, {}, nullptr));
}

TEST(ModelLoadTest, AnUntiedHeadIsRead) {
  TestModel model = TestModel::Golden("llama3");
  model.config["tie_word_embeddings"] = false;
  model.tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"];
  model.tensors["lm_head.weight"].SetValues(std::vector<double>(97 * 64, 0.0));
  const TestEngine test = LoadTestEngine(model.Write(), DType::kFloat64);
  PackedBatch batch;
  batch.Add({1, 2, 3}, 1);
  // Equal logits: every word has probability 1 / 97.
  EXPECT_NEAR((*test.engine->Objectives(batch, {}, nullptr))[0], std::log(97.0), 1e-12);
}

TEST(ModelLoadTest, ReportsItsBytesAndHoldsNoGradients) {
  const TestEngine test = LoadTestEngine(GoldenDirectory("llama"), DType::kFloat64);
  EXPECT_EQ(test.model->resident_bytes(), 8 * test.model->description().parameters);
  EXPECT_FALSE(test.model->weights().layers[0].query.weight.requires_grad());
  EXPECT_EQ(test.model->weights().layers[0].query.weight.scalar_type(), at::kDouble);
}

TEST(ModelLoadTest, AFileOverwrittenInPlaceDoesNotChangeAModelInMemory) {
  const TestModel model = TestModel::Golden("llama");
  const std::string directory = model.Write();
  const TestEngine test = LoadTestEngine(directory, DType::kFloat32);
  const PackedBatch batch = BatchOf(LoadGolden("llama").samples);
  const std::vector<float> before = test.engine->Gradients(batch, nullptr)->d;
  const std::string file = directory + "/model.safetensors";
  const auto size = static_cast<std::size_t>(std::filesystem::file_size(file));
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << std::string(size, '\x40');
  EXPECT_EQ(test.engine->Gradients(batch, nullptr)->d, before);
  std::filesystem::resize_file(file, 0);
  EXPECT_EQ(test.engine->Gradients(batch, nullptr)->d, before);
}

TEST(ModelLoadTest, ADeviceThatIsNotThereIsRefused) {
  EXPECT_EQ(Model::Load(GoldenDirectory("llama"), {.dtype = DType::kFloat32, .device = "cuda:99", .root = ""})
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(DTypeTest, NamesGoBothWays) {
  for (const char* name : {"float32", "float64", "bfloat16"}) EXPECT_EQ(DTypeName(*ParseDType(name)), name);
  EXPECT_EQ(ParseDType("float16").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AssembleWeightsTest, GradientsReachTheStoredTensorsThroughTranspositionAndFusion) {
  Architecture architecture;
  architecture.spec.width = 2;
  architecture.spec.heads = architecture.spec.kv_heads = architecture.spec.head_dim = architecture.spec.layers = 1;
  FileTensor fused = {.name = "fused", .placements = {}, .transposed = true};
  for (const WeightRole role : {WeightRole::kQuery, WeightRole::kKey, WeightRole::kValue}) {
    fused.placements.push_back({.slot = {role, WeightPart::kWeight, 0},
                                .begin = static_cast<std::int64_t>(fused.placements.size()),
                                .block = 1,
                                .stride = 1,
                                .count = 1});
  }
  architecture.tensors = {fused};
  const at::Tensor stored = at::arange(6, at::kFloat).view({2, 3}).requires_grad_(true);
  const auto weights = AssembleWeights(architecture, [&](const FileTensor&) { return stored; });
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_TRUE(weights->layers[0].key.weight.equal(at::tensor({1.0f, 4.0f}).view({1, 2})));
  weights->layers[0].key.weight.sum().backward();
  EXPECT_TRUE(stored.grad().equal(at::tensor({0.f, 1.f, 0.f, 0.f, 1.f, 0.f}).view({2, 3})));
}

TEST(AssembleWeightsTest, InterleavedRowsArePickedInOrder) {
  // Two heads of [query, key, value] rows each, one column a head.
  Architecture architecture;
  architecture.spec.width = 1;
  architecture.spec.heads = architecture.spec.kv_heads = 2;
  architecture.spec.head_dim = architecture.spec.layers = 1;
  FileTensor fused = {.name = "fused", .placements = {}};
  for (const WeightRole role : {WeightRole::kQuery, WeightRole::kKey, WeightRole::kValue}) {
    fused.placements.push_back({.slot = {role, WeightPart::kWeight, 0},
                                .begin = static_cast<std::int64_t>(fused.placements.size()),
                                .block = 1,
                                .stride = 3,
                                .count = 2});
  }
  architecture.tensors = {fused};
  const at::Tensor stored = at::arange(6, at::kFloat).view({6, 1});
  const auto weights = AssembleWeights(architecture, [&](const FileTensor&) { return stored; });
  ASSERT_TRUE(weights.ok());
  EXPECT_TRUE(weights->layers[0].query.weight.flatten().equal(at::tensor({0.f, 3.f})));
  EXPECT_TRUE(weights->layers[0].value.weight.flatten().equal(at::tensor({2.f, 5.f})));
}

}  // namespace
}  // namespace headscope::worker
