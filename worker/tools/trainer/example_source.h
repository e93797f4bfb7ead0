// Where the examples of a training come from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "worker/tools/model_writer/random.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {

// Thread-compatible.
class ExampleSource {
 public:
  virtual ~ExampleSource() = default;
  // The next example of a training whose random numbers come from `random`.
  virtual Example Next(Random& random) = 0;
};

// Ever new examples; the task of each is drawn from `tasks`, known names.
class TaskExamples : public ExampleSource {
 public:
  explicit TaskExamples(std::vector<std::string> tasks);
  Example Next(Random& random) override;

 private:
  const std::vector<std::string> tasks_;
};

// The same rows, at least one, round after round, each round in an order of its own.
class RowExamples : public ExampleSource {
 public:
  explicit RowExamples(std::vector<Example> rows);
  Example Next(Random& random) override;

 private:
  std::vector<Example> rows_;
  // Rows of this round that are done.
  std::size_t done_;
};

}  // namespace headscope::worker
