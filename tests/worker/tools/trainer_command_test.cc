// The commands of headscope-trainer as they are typed.
#include "worker/tools/trainer/command.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

using testing::HasSubstr;

struct Ran {
  absl::Status status;
  std::string out;
};

Ran RunCommand(const Command& command, const std::vector<std::string>& words) {
  std::vector<const char*> pointers = {"program"};
  for (const std::string& word : words) pointers.push_back(word.c_str());
  const auto arguments = Arguments::Parse(command.flags, static_cast<int>(pointers.size()), pointers.data());
  if (!arguments.ok()) return {arguments.status(), ""};
  testing::internal::CaptureStdout();
  const absl::Status status = command.run(*arguments, "the words");
  return {status, testing::internal::GetCapturedStdout()};
}

class TrainerCommandTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const { return directory_.File(name); }
  // A data file of eight rows of copying.
  std::string Rows() {
    const std::string path = File("rows.jsonl");
    EXPECT_TRUE(RunCommand(RowsCommand(), {"--task", "copy", "--count", "8", "-o", path}).status.ok());
    return path;
  }
  Ran Train(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"--steps", "3", "--batch", "2", "--threads", "1", "-o", File("model")};
    words.insert(words.end(), more.begin(), more.end());
    return RunCommand(TrainCommand(), words);
  }

  TempDirectory directory_;
};

TEST_F(TrainerCommandTest, TrainingOnRowsLeavesASeriesOfCheckpointsAndARecord) {
  const Ran ran = Train({"--data", Rows(), "--limit", "5", "--checkpoints", "1,3"});
  ASSERT_TRUE(ran.status.ok()) << ran.status;
  for (const char* name : {"model", "model/checkpoint-1", "model/checkpoint-3"}) {
    EXPECT_TRUE(std::filesystem::exists(File(std::string(name) + "/model.safetensors"))) << name;
    EXPECT_TRUE(std::filesystem::exists(File(std::string(name) + "/tokenizer.json"))) << name;
  }
  EXPECT_EQ(ReadFileOrDie(File("model/model.safetensors")),
            ReadFileOrDie(File("model/checkpoint-3/model.safetensors")));
  EXPECT_NE(ReadFileOrDie(File("model/model.safetensors")),
            ReadFileOrDie(File("model/checkpoint-1/model.safetensors")));
  const auto record = nlohmann::json::parse(ReadFileOrDie(File("model/training.json")));
  EXPECT_EQ(record["command"], "the words");
  EXPECT_EQ(record["data"], File("rows.jsonl"));
  EXPECT_EQ(record["rows"], 5);
  EXPECT_THAT(ran.out, testing::Not(HasSubstr("accuracy")));
}

TEST_F(TrainerCommandTest, TasksAndRowsExcludeEachOther) {
  EXPECT_THAT(std::string(Train({"--data", Rows(), "--task", "copy"}).status.message()), HasSubstr("only one"));
  EXPECT_THAT(std::string(Train({"--limit", "5"}).status.message()), HasSubstr("--limit belongs to --data"));
  EXPECT_THAT(std::string(Train({"--data", Rows(), "--samples", File("s")}).status.message()), HasSubstr("--samples"));
  EXPECT_FALSE(std::filesystem::exists(File("model")));
}

TEST_F(TrainerCommandTest, CheckpointsBeyondTheLastStepAreRefused) {
  for (const std::string wrong : {"4", "0", "1,x"}) {
    const absl::Status status = Train({"--checkpoints", wrong}).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(std::string(status.message()), HasSubstr("from 1 to 3")) << wrong;
  }
}

TEST_F(TrainerCommandTest, ARowThatTheModelCannotRunIsFoundBeforeTheFirstStep) {
  std::ofstream(File("long.jsonl")) << R"({"prompt": "a", "response": "b"})"
                                    << "\n"
                                    << R"({"prompt": ")" << std::string(200, 'x') << R"(", "response": "b"})"
                                    << "\n";
  const Ran ran = Train({"--data", File("long.jsonl")});
  EXPECT_EQ(ran.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(ran.status.message()), AllOf(HasSubstr("long.jsonl"), HasSubstr("128 positions")));
  EXPECT_THAT(ran.out, testing::Not(HasSubstr("step")));
}

TEST_F(TrainerCommandTest, EvaluatePrintsEveryModelOnEveryTask) {
  ASSERT_TRUE(Train({"--data", Rows(), "--checkpoints", "1"}).status.ok());
  const Ran ran = RunCommand(EvaluateCommand(), {"--model", File("model") + "," + File("model/checkpoint-1"), "--task",
                                                 "copy,copy-and-sort", "--count", "5"});
  ASSERT_TRUE(ran.status.ok()) << ran.status;
  const auto evaluations = nlohmann::json::parse(ran.out)["evaluations"];
  ASSERT_EQ(evaluations.size(), 4u);
  EXPECT_EQ(evaluations[1]["model"], File("model"));
  EXPECT_EQ(evaluations[1]["task"], "copy-and-sort");
  EXPECT_EQ(evaluations[2]["model"], File("model/checkpoint-1"));
  for (const auto& evaluation : evaluations) {
    EXPECT_EQ(evaluation["examples"], 5);
    EXPECT_GT(evaluation["loss"], 0.0);
    EXPECT_EQ(evaluation["accuracy"], 0.0);
  }
  EXPECT_LT(evaluations[0]["loss"], evaluations[2]["loss"]);
}

TEST_F(TrainerCommandTest, EvaluateReadsRowsToo) {
  ASSERT_TRUE(Train({"--data", Rows()}).status.ok());
  const Ran ran = RunCommand(EvaluateCommand(), {"--model", File("model"), "--data", File("rows.jsonl")});
  ASSERT_TRUE(ran.status.ok()) << ran.status;
  const auto evaluation = nlohmann::json::parse(ran.out)["evaluations"][0];
  EXPECT_EQ(evaluation["data"], File("rows.jsonl"));
  EXPECT_EQ(evaluation["examples"], 8);
  EXPECT_THAT(std::string(RunCommand(EvaluateCommand(), {"--model", File("model")}).status.message()),
              HasSubstr("one of them"));
}

TEST_F(TrainerCommandTest, RowsAreOfTheWantedSplitAndNoFewerThanWanted) {
  ASSERT_TRUE(RunCommand(RowsCommand(), {"--task", "add,sort", "--count", "3", "--split", "held-out", "-o", File("h")})
                  .status.ok());
  const std::string text = ReadFileOrDie(File("h"));
  EXPECT_THAT(text, AllOf(HasSubstr("add-003"), HasSubstr("sort-003"), testing::Not(HasSubstr("sort-004"))));
  const absl::Status few = RunCommand(RowsCommand(), {"--task", "add", "--count", "9999", "-o", File("h")}).status;
  EXPECT_THAT(std::string(few.message()), AllOf(HasSubstr("wanted 9999"), HasSubstr("of add")));
  EXPECT_THAT(std::string(RunCommand(RowsCommand(), {"--split", "test", "-o", File("h")}).status.message()),
              HasSubstr("'test'"));
}

}  // namespace
}  // namespace headscope::worker
