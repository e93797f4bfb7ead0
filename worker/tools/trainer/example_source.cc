#include "worker/tools/trainer/example_source.h"

#include <cstdint>
#include <utility>

namespace headscope::worker {
namespace {

// Fisher and Yates.
void Shuffle(std::vector<Example>& rows, Random& random) {
  for (std::size_t i = rows.size() - 1; i > 0; --i) {
    std::swap(rows[i], rows[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(i)))]);
  }
}

}  // namespace

TaskExamples::TaskExamples(std::vector<std::string> tasks) : tasks_(std::move(tasks)) {}

Example TaskExamples::Next(Random& random) {
  const auto last = static_cast<std::int64_t>(tasks_.size()) - 1;
  return TrainingExample(tasks_[static_cast<std::size_t>(random.Between(0, last))], random);
}

RowExamples::RowExamples(std::vector<Example> rows) : rows_(std::move(rows)), done_(rows_.size()) {}

Example RowExamples::Next(Random& random) {
  if (done_ == rows_.size()) {
    Shuffle(rows_, random);
    done_ = 0;
  }
  return rows_[done_++];
}

}  // namespace headscope::worker
