#include "server/jobs/options_json.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/jobs/methods.h"
#include "tests/fakes/status_matchers.h"

namespace headscope::server {
namespace {

const auto kDataLoss = IsError(absl::StatusCode::kDataLoss, "");

TEST(OptionsJsonTest, ComputeOptionsComeBack) {
  EXPECT_EQ(*ComputeOptionsFromJson(ToJson(ComputeOptions())), ComputeOptions());
  ComputeOptions options;
  options.method = "another";
  options.dtype = DType::kFloat64;
  options.append_eos = false;
  options.max_tokens = 4'000'000'000;
  options.on_invalid = OnInvalid::kSkip;
  options.record_tokens = true;
  EXPECT_EQ(*ComputeOptionsFromJson(ToJson(options)), options);
}

TEST(OptionsJsonTest, ReductionOptionsComeBack) {
  EXPECT_EQ(*ReductionOptionsFromJson(ToJson(ReductionOptions())), ReductionOptions());
  const ReductionOptions options{LossScale::kSum,   9, Absolute::kPerToken, Positions::kPrompt, LayerNorm::kL2,
                                 HeadAxis::kKvGroup};
  EXPECT_EQ(*ReductionOptionsFromJson(ToJson(options)), options);
}

TEST(OptionsJsonTest, MissingKeysMeanDefaults) {
  EXPECT_EQ(*ComputeOptionsFromJson("{}"), ComputeOptions());
  EXPECT_EQ(*ReductionOptionsFromJson(R"({"later": 1})"), ReductionOptions());
}

TEST(OptionsJsonTest, AnythingElseIsDamage) {
  for (const char* json :
       {"", "[]", "{", R"({"dtype": "float8"})", R"({"dtype": 1})", R"({"append_eos": 1})", R"({"max_tokens": -1})",
        R"({"max_tokens": 4294967296})", R"({"method": 3})", R"({"record_tokens": 1})"}) {
    EXPECT_THAT(ComputeOptionsFromJson(json), kDataLoss) << json;
  }
  EXPECT_THAT(ReductionOptionsFromJson(R"({"script_batch": 1.5})"), kDataLoss);
}

TEST(MethodsTest, PlanesAreInNameOrder) {
  const std::vector<std::string>& planes = PlanesOf("gradient");
  EXPECT_EQ(planes.size(), 4);
  EXPECT_TRUE(std::is_sorted(planes.begin(), planes.end()));
  EXPECT_TRUE(PlanesOf("unknown").empty());
}

}  // namespace
}  // namespace headscope::server
