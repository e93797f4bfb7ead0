// Adapter files that are not what their configuration and their base say.
#include "worker/model/adapter/adapter_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/worker/support/test_adapter.h"
#include "worker/model/model.h"

namespace headscope::worker {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kQuery[] = "model.layers.0.self_attn.q_proj";
constexpr char kDown[] = "model.layers.2.mlp.down_proj";

class AdapterTensorsTest : public ::testing::Test {
 protected:
  AdapterTensorsTest()
      : base_(TestModel::Golden("llama")), adapter_(TestAdapter::Random(base_, {kQuery, kDown}, 4, 1)) {}

  absl::StatusOr<ModelDescription> Describe() {
    std::filesystem::create_directories(home_.File("base"));
    WriteFileOrDie(home_.File("base/config.json"), base_.config.dump());
    WriteFileOrDie(home_.File("base/model.safetensors"), SafetensorsBytes(base_.tensors));
    adapter_.WriteTo(home_.File("tuned"));
    return DescribeAdapter(home_.File("tuned"), home_.File("base"), home_.path());
  }
  // The adapter is refused, and the text has all of `parts`.
  void ExpectRefused(const std::vector<std::string>& parts) {
    const auto description = Describe();
    EXPECT_EQ(description.status().code(), absl::StatusCode::kFailedPrecondition) << description.status();
    for (const std::string& part : parts) EXPECT_THAT(std::string(description.status().message()), HasSubstr(part));
  }
  static std::string Name(const std::string& module, const char* part) { return TestAdapter::Name(module, part); }
  TestTensor BaseTensor(const std::string& name) { return base_.tensors.at(name); }
  void Tie() {
    base_.config["tie_word_embeddings"] = true;
    base_.tensors.erase("lm_head.weight");
  }

  TempDirectory home_;
  TestModel base_;
  TestAdapter adapter_;
};

TEST_F(AdapterTensorsTest, DescribesWhatIsThere) {
  const auto base = [&] {
    const auto description = Describe();
    EXPECT_TRUE(description.ok()) << description.status();
    return *description;
  }();
  ASSERT_TRUE(base.adapter.has_value());
  EXPECT_EQ(base.adapter->base, "base");
  EXPECT_EQ(base.adapter->rank, 4);
  EXPECT_EQ(base.adapter->alpha, 3);
  EXPECT_THAT(base.adapter->targets, ElementsAre("down_proj", "q_proj"));
  const std::int64_t own = 4 * (64 + 64) + 4 * (112 + 64);
  EXPECT_EQ(base.adapter->parameters(), own);
  EXPECT_EQ(base.parameters, DescribeModel(home_.File("base"))->parameters + own);
}

TEST_F(AdapterTensorsTest, RefusesHalfATermNamingAdapterBaseAndTensor) {
  adapter_.tensors.erase(Name(kDown, "B"));
  ExpectRefused({"tuned", "base", kDown, "lora_B"});
}

TEST_F(AdapterTensorsTest, RefusesAnotherRankThanTheConfigurations) {
  adapter_.config["r"] = 5;
  ExpectRefused({Name(kQuery, "A"), "[5, 64]", "[4, 64]"});
}

TEST_F(AdapterTensorsTest, RefusesAFactorOfAnotherShape) {
  std::swap(adapter_.tensors.at(Name(kDown, "A")), adapter_.tensors.at(Name(kQuery, "A")));
  ExpectRefused({Name(kQuery, "A"), "[4, 112]"});
}

TEST_F(AdapterTensorsTest, RefusesADtypeThatIsNoFloat) {
  TestTensor& tensor = adapter_.tensors.at(Name(kQuery, "A"));
  tensor.dtype = "I32";
  ExpectRefused({Name(kQuery, "A"), "I32"});
}

TEST_F(AdapterTensorsTest, RefusesAModuleThatTheBaseDoesNotHave) {
  adapter_.tensors[Name("model.layers.7.self_attn.q_proj", "A")] = adapter_.tensors.at(Name(kQuery, "A"));
  ExpectRefused({"model.layers.7.self_attn.q_proj"});
}

TEST_F(AdapterTensorsTest, RefusesATermOfANorm) {
  adapter_.tensors[Name("model.norm", "A")] = adapter_.tensors.at(Name(kQuery, "A"));
  adapter_.tensors[Name("model.norm", "B")] = adapter_.tensors.at(Name(kQuery, "B"));
  ExpectRefused({"model.norm", "no linear module"});
}

TEST_F(AdapterTensorsTest, RefusesOneTensorInTwoSpellings) {
  adapter_.tensors["base_model.model.layers.0.self_attn.q_proj.lora_A.weight"] = adapter_.tensors.at(Name(kQuery, "A"));
  ExpectRefused({"the same one"});
}

TEST_F(AdapterTensorsTest, RefusesAnEmptyFile) {
  adapter_.tensors.clear();
  ExpectRefused({"holds no tensors"});
}

TEST_F(AdapterTensorsTest, HoldsListedTargetsAgainstTheTensors) {
  adapter_.config["target_modules"] = {"layers.0.self_attn.q_proj"};
  ExpectRefused({kDown, "leave out"});
  adapter_.config["target_modules"] = {"layers.0.self_attn.q_proj", "down_proj"};
  ExpectRefused({"model.layers.0.mlp.down_proj", "no tensors"});
  adapter_.config["target_modules"] = {"layers.0.self_attn.q_proj", "layers.2.mlp.down_proj"};
  EXPECT_TRUE(Describe().ok()) << Describe().status();
  adapter_.config["layers_to_transform"] = {0};
  ExpectRefused({kDown, "leave out"});
  adapter_.config["layers_to_transform"] = {0, 2};
  EXPECT_TRUE(Describe().ok()) << Describe().status();
}

TEST_F(AdapterTensorsTest, RefusesTermsOfEmbeddingsByName) {
  adapter_.config["target_modules"] = {"embed_tokens"};
  ExpectRefused({"target_modules", "embed_tokens", "modules_to_save"});
  adapter_.config["target_modules"] = "all-linear";
  adapter_.tensors["base_model.model.model.embed_tokens.lora_embedding_A"] = adapter_.tensors.at(Name(kQuery, "A"));
  ExpectRefused({"lora_embedding_A", "modules_to_save"});
}

TEST_F(AdapterTensorsTest, RefusesWholeTensorsThatNothingNames) {
  adapter_.tensors["base_model.model.model.norm.weight"] = BaseTensor("model.norm.weight");
  ExpectRefused({"base_model.model.model.norm.weight", "modules_to_save"});
  adapter_.config["modules_to_save"] = {"model.norm"};
  ASSERT_TRUE(Describe().ok()) << Describe().status();
  EXPECT_THAT(Describe()->adapter->replaced, ElementsAre("model.norm.weight"));
}

TEST_F(AdapterTensorsTest, RefusesModulesToSaveThatAreMissing) {
  adapter_.config["modules_to_save"] = {"lm_head"};
  ExpectRefused({"lm_head.weight", "missing"});
  adapter_.config["modules_to_save"] = {"score"};
  ExpectRefused({"score"});
}

TEST_F(AdapterTensorsTest, RefusesAnEmbeddingWithMoreRows) {
  TestTensor larger = BaseTensor("lm_head.weight");
  larger.shape[0] += 1;
  larger.bytes.resize(larger.bytes.size() + 64 * 4);
  adapter_.tensors["base_model.model.lm_head.weight"] = larger;
  ExpectRefused({"base_model.model.lm_head.weight", "[98, 64]"});
}

TEST_F(AdapterTensorsTest, PartsATiedHeadOnlyWhereThatIsSaid) {
  Tie();
  adapter_.tensors["base_model.model.model.embed_tokens.weight"] = BaseTensor("model.embed_tokens.weight");
  ExpectRefused({"embedding alone", "ties the two"});
  adapter_.config["modules_to_save"] = {"embed_tokens"};
  EXPECT_TRUE(Describe().ok()) << Describe().status();
  adapter_.config["ensure_weight_tying"] = true;
  ExpectRefused({"embedding alone"});
}

TEST_F(AdapterTensorsTest, TakesTrainedBiasesOnlyWhereBiasSaysSo) {
  base_ = TestModel::Golden("gpt2");
  const std::string module = "transformer.h.0.mlp.c_fc";
  adapter_ = TestAdapter::Random(base_, {module}, 4, 1);
  adapter_.config["bias"] = "lora_only";
  ExpectRefused({module + ".bias", "missing"});
  adapter_.tensors["base_model.model." + module + ".base_layer.bias"] = BaseTensor(module + ".bias");
  EXPECT_TRUE(Describe().ok()) << Describe().status();
  adapter_.config["bias"] = "none";
  ExpectRefused({"bias", "modules_to_save"});
}

TEST_F(AdapterTensorsTest, RefusesPatternsThatContradictEachOther) {
  adapter_.config["rank_pattern"] = {{"q_proj", 4}, {"self_attn.q_proj", 2}};
  ExpectRefused({kQuery, "both"});
}

TEST_F(AdapterTensorsTest, RefusesAnAdapterAsBaseAndAModelBesideIt) {
  ASSERT_TRUE(Describe().ok());
  adapter_.WriteTo(home_.File("second"));
  const auto second = DescribeAdapter(home_.File("second"), home_.File("tuned"), home_.path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("tuned: holds an adapter"));
  WriteFileOrDie(home_.File("tuned/model.safetensors"), SafetensorsBytes(base_.tensors));
  EXPECT_THAT(std::string(DescribeAdapter(home_.File("tuned"), home_.File("base"), home_.path()).status().message()),
              HasSubstr("side by side"));
}

TEST_F(AdapterTensorsTest, ReadsTheHeaderAsStrictlyAsAModels) {
  ASSERT_TRUE(Describe().ok());
  WriteFileOrDie(home_.File("tuned/adapter_model.safetensors"),
                 RawSafetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234"));
  const auto description = DescribeAdapter(home_.File("tuned"), home_.File("base"), home_.path());
  EXPECT_EQ(description.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(description.status().message()), HasSubstr("tuned/adapter_model.safetensors"));
  std::filesystem::remove(home_.File("tuned/adapter_model.safetensors"));
  WriteFileOrDie(home_.File("tuned/adapter_model.bin"), "x");
  EXPECT_THAT(std::string(DescribeAdapter(home_.File("tuned"), home_.File("base"), home_.path()).status().message()),
              HasSubstr("safe_serialization"));
}

}  // namespace
}  // namespace headscope::worker
