// A whole training: batches of examples, a learning-rate schedule, reports, checkpoints on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/tools/trainer/learner.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {

struct TrainingOptions {
  // Each example's task is drawn from these; one that comes twice is drawn twice as often. Accuracy is measured on
  // them.
  std::vector<std::string> tasks;
  // Where there are any, training goes over these instead, round after round; there are no tasks then.
  std::vector<Example> rows;
  std::int64_t steps = 0;
  // Examples per step.
  std::int64_t batch = 64;
  // Reached after a warm-up, then lowered along a cosine to a twentieth.
  double learning_rate = 3e-3;
  std::int64_t warm_up_steps = 100;
  std::uint64_t seed = 1;
  // Held-out examples per task on which accuracy is measured.
  std::int64_t held_out = 256;
  // Steps between two progress lines, and between two measurements of accuracy.
  std::int64_t report_every = 100;
  std::int64_t measure_every = 500;
  // Steps between two saves; 0 saves none on the way.
  std::int64_t save_every = 0;
  // Steps after which there is a checkpoint of the series.
  std::set<std::int64_t> checkpoints;
};

// Share of held-out examples answered exactly, by task.
using Accuracies = std::map<std::string, double>;

struct TrainingEvents {
  // One line of progress, without its end.
  std::function<void(const std::string& line)> report;
  // Called every `save_every` steps.
  std::function<absl::Status(std::int64_t step)> save;
  // Called after each of `checkpoints`.
  std::function<absl::Status(std::int64_t step)> checkpoint;
};

struct TrainingResult {
  // Mean loss of the last `report_every` steps, nats per supervised token.
  double loss = 0.0;
  Accuracies held_out_accuracy;
};

// Trains `learner`. Deterministic in the options, the weights it begins with and the number of compute threads.
absl::StatusOr<TrainingResult> Train(Learner& learner, const TrainingOptions& options, const TrainingEvents& events);

// Accuracy of `learner` on the first `count` held-out examples of each task.
absl::StatusOr<Accuracies> MeasureAccuracy(Learner& learner, const std::vector<std::string>& tasks, std::uint64_t seed,
                                           std::int64_t count);

}  // namespace headscope::worker
