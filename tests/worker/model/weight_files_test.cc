#include "worker/model/weight_files.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

const TestTensor kTensor = {"F32", {1}, "abcd"};

class WeightFilesTest : public ::testing::Test {
 protected:
  absl::StatusOr<WeightFiles> Open() { return WeightFiles::Open(*ModelDirectory::Open(directory_.path(), "")); }
  void WriteShard(const std::string& name, const TestTensors& tensors) {
    WriteFileOrDie(directory_.File(name), SafetensorsBytes(tensors));
  }
  void WriteIndex(const std::string& text) { WriteFileOrDie(directory_.File("model.safetensors.index.json"), text); }
  void ExpectIndexRefused(const std::string& text) {
    WriteIndex(text);
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kInvalidArgument) << text << " " << Open().status();
  }

  TempDirectory directory_;
};

TEST_F(WeightFilesTest, AShardedModelIsOneSetOfTensors) {
  WriteShard("a.safetensors", {{"x", kTensor}, {"y", kTensor}});
  WriteShard("b.safetensors", {{"z", kTensor}});
  WriteIndex(
      R"({"metadata":{"total_size":12},"weight_map":{"x":"a.safetensors","y":"a.safetensors","z":"b.safetensors"}})");
  const auto files = Open();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->tensors().size(), 3u);
  EXPECT_NE(files->tensors().at("x").file, files->tensors().at("z").file);
}

TEST_F(WeightFilesTest, IndexNamesArePlainFileNames) {
  WriteShard("a.safetensors", {{"x", kTensor}});
  for (const char* name :
       {"../a.safetensors", "/etc/passwd", "sub/a.safetensors", "..", ".", "", "a\\\\b", "x\\u0000y"}) {
    ExpectIndexRefused(std::string(R"({"weight_map":{"x":")") + name + "\"}}");
  }
  ExpectIndexRefused(R"({"weight_map":{"x":3}})");
}

TEST_F(WeightFilesTest, IndexAndShardsAgreeTensorByTensor) {
  WriteShard("a.safetensors", {{"x", kTensor}, {"y", kTensor}});
  WriteShard("b.safetensors", {{"x", kTensor}, {"z", kTensor}});
  // y is in no shard's list; x is in both shards.
  ExpectIndexRefused(R"({"weight_map":{"x":"a.safetensors"}})");
  ExpectIndexRefused(R"({"weight_map":{"x":"a.safetensors","y":"a.safetensors","z":"b.safetensors"}})");
  ExpectIndexRefused(R"({"weight_map":{"w":"a.safetensors","x":"a.safetensors","y":"a.safetensors"}})");
}

TEST_F(WeightFilesTest, MalformedIndexesAreRefused) {
  WriteShard("a.safetensors", {{"x", kTensor}});
  for (const char* text : {"", "[]", "{}", R"({"weight_map":[]})", R"({"weight_map":{}})", "{",
                           R"({"weight_map":{"x":"a.safetensors","x":"a.safetensors"}})"}) {
    ExpectIndexRefused(text);
  }
}

TEST_F(WeightFilesTest, AnIndexOfTooManyFilesIsRefusedBeforeAnyIsOpened) {
  json map;
  for (std::size_t i = 0; i <= kMaxShardFiles; ++i) map["t" + std::to_string(i)] = "s" + std::to_string(i);
  WriteIndex(json{{"weight_map", map}}.dump());
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_NE(status.message().find("names 1025 files, at most 1024 are accepted"), absl::string_view::npos) << status;
  map.erase("t0");
  WriteIndex(json{{"weight_map", map}}.dump());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound) << "1024 are looked for: " << Open().status();
}

TEST_F(WeightFilesTest, AMissingShardIsNotFound) {
  WriteIndex(R"({"weight_map":{"x":"gone.safetensors"}})");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(WeightFilesTest, PicklesAreRefusedWithAdvice) {
  WriteFileOrDie(directory_.File("pytorch_model.bin"), "x");
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("pytorch_model.bin"), absl::string_view::npos);
  EXPECT_NE(status.message().find("safe_serialization"), absl::string_view::npos);
}

TEST_F(WeightFilesTest, NoWeightsAtAllIsNotFound) { EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound); }

}  // namespace
}  // namespace headscope::worker
