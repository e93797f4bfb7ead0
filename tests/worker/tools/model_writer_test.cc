#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/model.h"
#include "worker/tools/model_writer/arguments.h"
#include "worker/tools/model_writer/checkpoint_plan.h"
#include "worker/tools/model_writer/model_directory_writer.h"

namespace headscope::worker {
namespace {

// Writes the named shape to `directory`.
void Write(const std::string& shape, std::uint64_t seed, StoredType type, const TempDirectory& directory) {
  const auto plan = PlanShape(shape);
  ASSERT_TRUE(plan.ok());
  const absl::Status written = WriteModelDirectory(directory.path(), *plan, type, RandomTensors(*plan, seed));
  ASSERT_TRUE(written.ok()) << written;
}

TEST(ModelWriterTest, TheEngineAccountsForEveryTensorOfBothFamilies) {
  for (const std::string shape : {"gpt2-tiny", "llama-tiny"}) {
    const TempDirectory directory;
    Write(shape, 1, StoredType::kBFloat16, directory);
    const auto description = DescribeModel(directory.path());
    ASSERT_TRUE(description.ok()) << description.status();
    EXPECT_EQ(description->spec.layers, 2);
    EXPECT_EQ(description->stored_dtype, "BF16");
    EXPECT_THAT(description->notes, testing::IsEmpty());
  }
}

TEST(ModelWriterTest, BytesFollowFromTheSeedAlone) {
  const TempDirectory first, second, other;
  Write("llama-tiny", 7, StoredType::kFloat32, first);
  Write("llama-tiny", 7, StoredType::kFloat32, second);
  Write("llama-tiny", 8, StoredType::kFloat32, other);
  const std::string weights = ReadFileOrDie(first.File("model.safetensors"));
  EXPECT_EQ(weights, ReadFileOrDie(second.File("model.safetensors")));
  EXPECT_NE(weights, ReadFileOrDie(other.File("model.safetensors")));
}

TEST(ModelWriterTest, MatricesHaveTheFamilysDeviationNormsAreOne) {
  const TempDirectory directory;
  Write("gpt2-tiny", 1, StoredType::kFloat32, directory);
  const TestTensors tensors = ParseSafetensors(ReadFileOrDie(directory.File("model.safetensors")));
  double squares = 0;
  const std::vector<double> values = tensors.at("h.0.attn.c_attn.weight").Values();
  for (const double value : values) squares += value * value;
  // 12,288 numbers: the deviation of their root mean square is 0.6 %.
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), 0.02, 0.0006);
  EXPECT_THAT(tensors.at("ln_f.weight").Values(), testing::Each(1.0));
  EXPECT_THAT(tensors.at("h.1.mlp.c_fc.bias").Values(), testing::Each(0.0));
}

TEST(ModelWriterTest, SmallShapesHaveTheSizeTheyAreNamedFor) {
  for (const auto& [shape, parameters] :
       {std::pair{"gpt2-small", 124'439'808}, std::pair{"llama-small", 114'114'048}}) {
    const auto plan = PlanShape(shape);
    ASSERT_TRUE(plan.ok());
    std::int64_t count = 0;
    for (const PlannedTensor& tensor : plan->tensors) {
      std::int64_t elements = 1;
      for (const std::int64_t size : tensor.shape) elements *= size;
      count += elements;
    }
    EXPECT_EQ(count, parameters) << shape;
  }
}

TEST(ModelWriterTest, UnknownShapesAndTypesAreRefusedWithTheKnownOnes) {
  EXPECT_THAT(std::string(PlanShape("gpt5").status().message()), testing::HasSubstr("gpt2-small"));
  EXPECT_THAT(std::string(ParseStoredType("int8").status().message()), testing::HasSubstr("bfloat16"));
}

TEST(ArgumentsTest, FlagsTakeTheNextWordOrWhatFollowsTheEqualsSign) {
  const std::vector<Flag> flags = {{"seed", "N", "1", ""}, {"o", "DIR", "", ""}, {"task", "NAME", "mix", ""}};
  const char* words[] = {"program", "--seed=5", "-o", "a=b"};
  const auto arguments = Arguments::Parse(flags, 4, words);
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(*arguments->Integer("seed", 0, 10), 5);
  EXPECT_EQ(arguments->Text("o"), "a=b");
  EXPECT_EQ(arguments->Text("task"), "mix");
  EXPECT_FALSE(arguments->Integer("seed", 6, 10).ok());
  EXPECT_FALSE(arguments->Positive("task").ok());
}

TEST(ArgumentsTest, UnknownWordsAndMissingValuesAreNamed) {
  const std::vector<Flag> flags = {{"seed", "N", "1", ""}};
  const char* unknown[] = {"program", "--sed", "5"};
  const char* missing[] = {"program", "--seed"};
  EXPECT_THAT(std::string(Arguments::Parse(flags, 3, unknown).status().message()), testing::HasSubstr("--sed"));
  EXPECT_THAT(std::string(Arguments::Parse(flags, 2, missing).status().message()), testing::HasSubstr("--seed"));
}

}  // namespace
}  // namespace headscope::worker
