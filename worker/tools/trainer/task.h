// The synthetic tasks that the demo model learns.
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

// Sorted:
//   add      "add: 17+25 ->"             "42"
//   copy     "copy: qwertz ->"           "qwertz"
//   lookup   "lookup: a=4 c=7 b=1 ; c ->" "7"
//   reverse  "reverse: abc ->"           "cba"
//   sort     "sort: dbca ->"             "abcd"
std::vector<std::string> TaskNames();

// Names separated by commas, in their order; "mix" stands for all of them. A name may come more than once: then it is
// drawn so much more often. INVALID_ARGUMENT names the known ones.
absl::StatusOr<std::vector<std::string>> ParseTasks(std::string_view text);

// Whether an example is kept from training: one in eight prompts, chosen by a hash of the prompt alone, so that it
// holds for every seed and every run.
bool IsHeldOut(const Example& example);

// A random example of `task`, a known name, that is not held out.
Example TrainingExample(std::string_view task, Random& random);

// `count` held-out examples of `task` with different prompts, deterministic in `seed`; the first ones stay when `count`
// grows.
std::vector<Example> HeldOutExamples(std::string_view task, std::uint64_t seed, std::int64_t count);

}  // namespace headscope::worker
