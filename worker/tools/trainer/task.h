// The synthetic tasks: basic ones, which the demo model learns, and ones composed of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/tools/model_writer/random.h"

namespace headscope::worker {

// One question and its answer, in ASCII.
struct Example {
  std::string prompt;
  std::string response;
};

// The basic ones, sorted:
//   add      "add: 17+25 ->"             "42"
//   copy     "copy: qwertz ->"           "qwertz"
//   lookup   "lookup: a=4 c=7 b=1 ; c ->" "7"
//   reverse  "reverse: abc ->"           "cba"
//   sort     "sort: dbca ->"             "abcd"
std::vector<std::string> TaskNames();

// Composed of two basic ones, sorted. A-and-B answers both, one after the other; A-then-B does B with A's answer:
//   add-then-reverse   "add-then-reverse: 17+25 ->"  "24"
//   copy-and-reverse   "copy-and-reverse: abc ->"    "abc cba"
//   copy-and-sort      "copy-and-sort: bca ->"       "bca abc"
//   sort-then-reverse  "sort-then-reverse: bca ->"   "cba"
std::vector<std::string> ComposedTaskNames();

// Names separated by commas, in their order; "mix" stands for all basic ones, "composed" for all composed ones. A name
// may come more than once: then it is drawn so much more often. INVALID_ARGUMENT names the known ones.
absl::StatusOr<std::vector<std::string>> ParseTasks(std::string_view text);

// Whether an example is kept from training: one in eight prompts, chosen by a hash of the prompt alone, so that it
// holds for every seed and every run.
bool IsHeldOut(const Example& example);

// A random example of `task`, a known name, that is not held out.
Example TrainingExample(std::string_view task, Random& random);

// `count` held-out examples of `task` with different prompts, deterministic in `seed`; the first ones stay when `count`
// grows. Fewer where a task has no more: a million draws in a row brought none (add has some 1,250).
std::vector<Example> HeldOutExamples(std::string_view task, std::uint64_t seed, std::int64_t count);

// The same of examples that are not held out.
std::vector<Example> TrainingExamples(std::string_view task, std::uint64_t seed, std::int64_t count);

}  // namespace headscope::worker
