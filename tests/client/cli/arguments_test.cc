#include "client/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Flag>& Known() {
  static const std::vector<Flag> flags = {{"model", "NAME", ""}, {"samples", "", ""}, {"output", "FILE", "", 'o'}};
  return flags;
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  const auto parsed = Arguments::Parse(arguments, Known());
  EXPECT_FALSE(parsed.ok() || !IsUsageError(parsed.status()));
  return std::string(parsed.status().message());
}

TEST(ArgumentsTest, ReadsFlagsInEveryForm) {
  const auto parsed = Arguments::Parse({"x", "--model=a=b", "--samples", "-o", "f", "y"}, Known());

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->Get("model"), "a=b");
  EXPECT_TRUE(parsed->Has("samples"));
  EXPECT_EQ(parsed->Get("output"), "f");
  EXPECT_THAT(parsed->positionals(), ElementsAre("x", "y"));
}

TEST(ArgumentsTest, KeepsRepeatedValuesAndPrefersTheLast) {
  const auto parsed = Arguments::Parse({"--model", "a", "--model", "b"}, Known());

  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->GetAll("model"), ElementsAre("a", "b"));
  EXPECT_EQ(parsed->Get("model"), "b");
}

TEST(ArgumentsTest, TakesDashAndWhatFollowsTwoDashesAsPositionals) {
  const auto parsed = Arguments::Parse({"-", "--", "--samples", "-o"}, Known());

  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->positionals(), ElementsAre("-", "--samples", "-o"));
  EXPECT_FALSE(parsed->Has("samples"));
}

TEST(ArgumentsTest, SaysWhatIsWrong) {
  EXPECT_EQ(ErrorOf({"--modle", "a"}), "unknown flag --modle (did you mean \"--model\"?)");
  EXPECT_EQ(ErrorOf({"-x"}), "unknown flag -x");
  EXPECT_EQ(ErrorOf({"--model"}), "--model needs a value: NAME");
  EXPECT_EQ(ErrorOf({"--samples=yes"}), "--samples takes no value");
}

class TypedValueTest : public ::testing::Test {
 protected:
  static Arguments With(const std::string& value) { return *Arguments::Parse({"--model", value}, Known()); }
};

TEST_F(TypedValueTest, NumbersAreWholeAndInRange) {
  EXPECT_EQ(**With("7").Number("model", 1, 7), 7);
  EXPECT_FALSE(Arguments().Number("model", 1, 7)->has_value());
  for (const char* bad : {"0", "8", "-1", "1.5", "", "x", "18446744073709551616", " 7"}) {
    EXPECT_FALSE(With(bad).Number("model", 1, 7).ok()) << bad;
  }
}

TEST_F(TypedValueTest, BooleansAreTrueOrFalse) {
  EXPECT_EQ(**With("true").Boolean("model"), true);
  EXPECT_EQ(**With("false").Boolean("model"), false);
  EXPECT_THAT(std::string(With("ture").Boolean("model").status().message()), HasSubstr("did you mean \"true\""));
}

TEST_F(TypedValueTest, ChoicesAreOneOfTheNames) {
  client::LossScale scale = client::LossScale::kPerSampleMean;
  EXPECT_TRUE(With("batch-token-mean").Choice("model", scale).ok());
  EXPECT_EQ(scale, client::LossScale::kBatchTokenMean);
  EXPECT_EQ(std::string(With("summ").Choice("model", scale).message()),
            "--model: wanted per-sample-mean or sum or batch-token-mean, found \"summ\" (did you mean \"sum\"?)");
}

TEST_F(TypedValueTest, PairsHaveAKeyAndNoKeyTwice) {
  EXPECT_THAT(*With("k=v=w").Pairs("model"), ElementsAre(std::pair<const std::string, std::string>("k", "v=w")));
  EXPECT_FALSE(With("k").Pairs("model").ok());
  EXPECT_FALSE(With("=v").Pairs("model").ok());
  EXPECT_FALSE(Arguments::Parse({"--model", "k=1", "--model", "k=2"}, Known())->Pairs("model").ok());
}

TEST(FindCommandTest, SkipsGlobalFlagsWithTheirValues) {
  EXPECT_EQ(**FindCommand({"--model", "a", "--samples", "jobs", "x"}, Known()), 3);
  EXPECT_FALSE(FindCommand({"--samples"}, Known())->has_value());
  EXPECT_FALSE(FindCommand({"--nosuch", "jobs"}, Known()).ok());
}

}  // namespace
}  // namespace headscope::cli
