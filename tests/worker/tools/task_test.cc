#include "worker/tools/trainer/task.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace headscope::worker {
namespace {

// What stands between "<task>: " and " ->".
std::string Question(const std::string& task, const std::string& prompt) {
  return prompt.substr(task.size() + 2, prompt.size() - task.size() - 5);
}

std::vector<std::string> AllTasks() {
  std::vector<std::string> tasks = TaskNames();
  for (const std::string& task : ComposedTaskNames()) tasks.push_back(task);
  return tasks;
}

// The right answer, found from the prompt in another way than the generator's.
std::string Answer(const std::string& task, const std::string& prompt) {
  std::string question = Question(task, prompt);
  for (const std::string link : {"-and-", "-then-"}) {
    const std::vector<std::string> parts = absl::StrSplit(task, link);
    if (parts.size() != 2) continue;
    const std::string first = Answer(parts[0], absl::StrCat(parts[0], ": ", question, " ->"));
    const std::string input = link == "-and-" ? question : first;
    const std::string second = Answer(parts[1], absl::StrCat(parts[1], ": ", input, " ->"));
    return link == "-and-" ? absl::StrCat(first, " ", second) : second;
  }
  if (task == "reverse") std::reverse(question.begin(), question.end());
  if (task == "sort") std::sort(question.begin(), question.end());
  if (task == "lookup")
    return question.substr(question.find(absl::StrCat(question.substr(question.size() - 1), "=")) + 2, 1);
  if (task == "add") {
    const std::vector<std::string> terms = absl::StrSplit(question, '+');
    int left = 0, right = 0;
    EXPECT_TRUE(absl::SimpleAtoi(terms.at(0), &left) && absl::SimpleAtoi(terms.at(1), &right));
    return absl::StrCat(left + right);
  }
  return question;
}

TEST(TaskTest, EveryAnswerIsRight) {
  Random random(3);
  for (const std::string& task : AllTasks()) {
    for (int i = 0; i < 200; ++i) {
      const Example example = TrainingExample(task, random);
      EXPECT_EQ(example.response, Answer(task, example.prompt)) << example.prompt;
    }
  }
}

TEST(TaskTest, TrainingNeverMeetsAHeldOutExample) {
  Random random(3);
  for (const std::string& task : AllTasks()) {
    std::set<std::string> held_out;
    for (const Example& example : HeldOutExamples(task, 1, 300)) held_out.insert(example.prompt);
    ASSERT_EQ(held_out.size(), 300u);
    for (int i = 0; i < 5000; ++i) EXPECT_FALSE(held_out.contains(TrainingExample(task, random).prompt));
  }
}

TEST(TaskTest, MoreHeldOutExamplesBeginWithTheSameOnes) {
  const std::vector<Example> few = HeldOutExamples("copy", 5, 10);
  const std::vector<Example> many = HeldOutExamples("copy", 5, 40);
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].prompt, many[i].prompt);
  EXPECT_NE(HeldOutExamples("copy", 6, 1)[0].prompt, few[0].prompt);
}

TEST(TaskTest, TrainingExamplesAreDifferentAndNotHeldOut) {
  for (const std::string& task : AllTasks()) {
    std::set<std::string> prompts;
    for (const Example& example : TrainingExamples(task, 1, 300)) {
      EXPECT_FALSE(IsHeldOut(example));
      prompts.insert(example.prompt);
    }
    EXPECT_EQ(prompts.size(), 300u) << task;
  }
  EXPECT_EQ(TrainingExamples("sort", 1, 5)[4].prompt, TrainingExamples("sort", 1, 50)[4].prompt);
}

// Of the 10,000 sums of two numbers below 100 one in eight is held out.
TEST(TaskTest, ATaskGivesNoMoreExamplesThanItHas) {
  const std::size_t held_out = HeldOutExamples("add", 1, 20'000).size();
  EXPECT_NEAR(static_cast<double>(held_out), 1250, 150);
  EXPECT_EQ(held_out + TrainingExamples("add", 1, 20'000).size(), 10'000u);
}

TEST(TaskTest, ATaskListIsTheMixTheComposedOnesOrKnownNames) {
  EXPECT_EQ(*ParseTasks("mix"), TaskNames());
  EXPECT_THAT(*ParseTasks("sort,copy,copy"), testing::ElementsAre("sort", "copy", "copy"));
  EXPECT_THAT(*ParseTasks("mix,add"), testing::ElementsAre("add", "copy", "lookup", "reverse", "sort", "add"));
  EXPECT_EQ(*ParseTasks("composed"), ComposedTaskNames());
  EXPECT_THAT(*ParseTasks("add-then-reverse"), testing::ElementsAre("add-then-reverse"));
  EXPECT_THAT(std::string(ParseTasks("copy,chess").status().message()), testing::HasSubstr("'chess'"));
}

}  // namespace
}  // namespace headscope::worker
