#include "worker/model/tensor_accounting.h"

#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/model.h"

namespace headscope::worker {
namespace {

void ExpectRefused(const TestModel& model, const std::string& word) {
  const absl::Status status = DescribeModel(model.Write()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_NE(status.message().find(word), absl::string_view::npos) << status;
}

// The names without their first `prefix`.
TestModel WithoutPrefix(const std::string& golden, const std::string& prefix) {
  TestModel model = TestModel::Golden(golden);
  TestTensors renamed;
  for (const auto& [name, tensor] : model.tensors) {
    renamed[name.starts_with(prefix) ? name.substr(prefix.size()) : name] = tensor;
  }
  model.tensors = renamed;
  return model;
}

TEST(TensorAccountingTest, DescribesWhatIsRead) {
  const auto description = DescribeModel(GoldenDirectory("llama"));
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->stored_dtype, "F32");
  EXPECT_EQ(description->weight_bytes, 4 * description->parameters);
  // Embedding and head, final norm, and per layer q and o, k and v, three MLP matrices, two norms.
  EXPECT_EQ(description->parameters, 2 * 97 * 64 + 64 + 3 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 112 * 64 + 2 * 64));
}

TEST(TensorAccountingTest, AMissingTensorIsNamed) {
  for (const char* name : {"model.layers.1.self_attn.k_proj.weight", "model.norm.weight", "lm_head.weight"}) {
    TestModel model = TestModel::Golden("llama");
    model.tensors.erase(name);
    ExpectRefused(model, name);
  }
}

TEST(TensorAccountingTest, AnUnknownTensorIsNamed) {
  TestModel model = TestModel::Golden("llama");
  model.tensors["model.layers.1.self_attn.q_proj.bias"] = model.tensors["model.norm.weight"];
  ExpectRefused(model, "model.layers.1.self_attn.q_proj.bias");
  model = TestModel::Golden("llama");
  model.tensors["model.layers.3.input_layernorm.weight"] = model.tensors["model.norm.weight"];
  ExpectRefused(model, "model.layers.3.input_layernorm.weight");
}

TEST(TensorAccountingTest, AWrongShapeIsNamedWithBothShapes) {
  TestModel model = TestModel::Golden("llama");
  model.tensors["model.layers.0.mlp.up_proj.weight"].shape = {64, 112};
  ExpectRefused(model, "must have shape [112, 64] by config.json, found [64, 112]");
}

TEST(TensorAccountingTest, AWeightThatIsNoFloatIsNamed) {
  TestModel model = TestModel::Golden("llama");
  model.tensors["model.norm.weight"].dtype = "I32";
  ExpectRefused(model, "I32");
}

TEST(TensorAccountingTest, KnownBuffersAreIgnored) {
  TestModel gpt2 = TestModel::Golden("gpt2");
  gpt2.tensors["transformer.h.0.attn.bias"] = {"BOOL", {1, 1, 2, 2}, "abcd"};
  gpt2.tensors["transformer.h.2.attn.masked_bias"] = {"F32", {}, "abcd"};
  EXPECT_TRUE(DescribeModel(gpt2.Write()).ok()) << DescribeModel(gpt2.Write()).status();
  TestModel llama = TestModel::Golden("llama");
  llama.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {"F32", {1}, "abcd"};
  EXPECT_TRUE(DescribeModel(llama.Write()).ok());
}

TEST(TensorAccountingTest, NamesMayAllLackThePrefix) {
  for (const auto& [family, prefix] : std::vector<std::pair<std::string, std::string>>{{"gpt2", "transformer."},
                                                                                       {"llama", "model."},
                                                                                       {"gemma2", "model."},
                                                                                       {"opt", "model."},
                                                                                       {"gpt_neox", "gpt_neox."},
                                                                                       {"phi", "model."},
                                                                                       {"phi3", "model."}}) {
    const absl::Status status = DescribeModel(WithoutPrefix(family, prefix).Write()).status();
    EXPECT_TRUE(status.ok()) << family << " " << status;
  }
}

// Gemma 3's names as `body` + rest, and with `outer` before what lies beside the language model.
TestModel Gemma3Spelled(const std::string& body, const std::string& outer) {
  TestModel model = TestModel::Golden("gemma3");
  const std::string stored = "language_model.model.";
  TestTensors renamed;
  for (const auto& [name, tensor] : model.tensors) {
    renamed[name.starts_with(stored) ? body + name.substr(stored.size()) : outer + name] = tensor;
  }
  model.tensors = renamed;
  return model;
}

TEST(TensorAccountingTest, ALanguageModelInsideOfALargerOneIsFoundUnderEveryPrefix) {
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {"language_model.model.", ""}, {"model.language_model.", "model."}, {"model.", ""}, {"", ""}};
  for (const auto& [body, outer] : spellings) {
    const auto description = DescribeModel(Gemma3Spelled(body, outer).Write());
    ASSERT_TRUE(description.ok()) << body << " " << description.status();
    ASSERT_EQ(description->notes.size(), 1u);
    EXPECT_NE(description->notes[0].find("2 tensors beside the language model"), std::string::npos);
  }
}

TEST(TensorAccountingTest, APrefixThatOnlySomeNamesHaveIsRefused) {
  TestModel mixed = Gemma3Spelled("language_model.model.", "");
  mixed.tensors["model.language_model.norm.weight"] = mixed.tensors["language_model.model.norm.weight"];
  mixed.tensors.erase("language_model.model.norm.weight");
  ExpectRefused(mixed, "differ in their prefix");
}

TEST(TensorAccountingTest, SkippedPartsAreSkippedInTheirFamilyAlone) {
  TestModel model = TestModel::Golden("llama");
  model.tensors["vision_tower.embeddings.weight"] = model.tensors["model.norm.weight"];
  ExpectRefused(model, "vision_tower.embeddings.weight");
}

TEST(TensorAccountingTest, AMissingPartOfAFusedTensorIsNamed) {
  TestModel model = TestModel::Golden("phi3");
  model.tensors["model.layers.0.self_attn.qkv_proj.weight"].shape = {64, 128};
  ExpectRefused(model, "model.layers.0.self_attn.qkv_proj.weight\" must have shape [128, 64]");
  model = TestModel::Golden("gpt_neox");
  model.tensors.erase("gpt_neox.layers.1.attention.query_key_value.bias");
  ExpectRefused(model, "gpt_neox.layers.1.attention.query_key_value.bias");
}

TEST(TensorAccountingTest, ProjectionsOfNarrowEmbeddingsAreNeeded) {
  for (const char* name : {"model.decoder.project_in.weight", "model.decoder.project_out.weight"}) {
    TestModel model = TestModel::Golden("opt_post_norm");
    model.tensors.erase(name);
    ExpectRefused(model, name);
  }
}

TEST(TensorAccountingTest, BiasesAreThereExactlyWhereTheConfigSaysSo) {
  TestModel opt = TestModel::Golden("opt");
  opt.config["enable_bias"] = false;
  ExpectRefused(opt, "fc1.bias");
  TestModel neox = TestModel::Golden("gpt_neox_unbiased");
  neox.config["attention_bias"] = true;
  ExpectRefused(neox, "attention.query_key_value.bias");
  TestModel phi = TestModel::Golden("phi");
  phi.tensors.erase("lm_head.bias");
  ExpectRefused(phi, "lm_head.bias");
}

TEST(TensorAccountingTest, NamesWithAndWithoutThePrefixAreRefused) {
  TestModel mixed = TestModel::Golden("gpt2");
  mixed.tensors["wte.weight"] = mixed.tensors["transformer.wte.weight"];
  ExpectRefused(mixed, "\"transformer.\"");
  mixed.tensors.erase("transformer.wte.weight");
  ExpectRefused(mixed, "\"transformer.\"");
}

TEST(TensorAccountingTest, AHeadBesideATiedEmbeddingIsCheckedAndNotRead) {
  TestModel model = TestModel::Golden("llama3");
  const std::int64_t parameters = DescribeModel(model.Write())->parameters;
  model.tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"];
  const auto description = DescribeModel(model.Write());
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->parameters, parameters);
  ASSERT_EQ(description->notes.size(), 1u);
  EXPECT_NE(description->notes[0].find("lm_head.weight"), std::string::npos);
  model.tensors["lm_head.weight"].shape = {64, 97};
  ExpectRefused(model, "lm_head.weight");
}

TEST(TensorAccountingTest, AnUntiedModelNeedsItsHead) {
  TestModel model = TestModel::Golden("llama3");
  model.config["tie_word_embeddings"] = false;
  ExpectRefused(model, "lm_head.weight");
}

TEST(TensorAccountingTest, AdaptersAreRefusedByName) {
  TestModel model = TestModel::Golden("llama");
  const std::string path = model.Write();
  WriteFileOrDie(path + "/adapter_config.json", "{}");
  const absl::Status status = DescribeModel(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("adapter"), absl::string_view::npos);
}

TEST(TensorAccountingTest, ADirectoryWithoutAConfigIsNotFound) {
  const TempDirectory empty;
  EXPECT_EQ(DescribeModel(empty.path()).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace headscope::worker
