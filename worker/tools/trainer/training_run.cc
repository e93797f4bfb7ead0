#include "worker/tools/trainer/training_run.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "absl/strings/str_format.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kWarmUpSteps = 100;
constexpr double kLastShare = 0.05;

double LearningRate(const TrainingOptions& options, std::int64_t step) {
  const double warm_up = std::min(1.0, static_cast<double>(step + 1) / kWarmUpSteps);
  const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  return options.learning_rate * warm_up * (kLastShare + (1.0 - kLastShare) * cosine);
}

PackedBatch RandomBatch(const TrainingOptions& options, Random& random) {
  PackedBatch batch;
  const auto last_task = static_cast<std::int64_t>(options.tasks.size()) - 1;
  for (std::int64_t i = 0; i < options.batch; ++i) {
    AddExample(TrainingExample(options.tasks[random.Between(0, last_task)], random), batch);
  }
  return batch;
}

std::string AccuracyText(const Accuracies& accuracies) {
  std::string text;
  for (const auto& [task, accuracy] : accuracies) absl::StrAppendFormat(&text, "  %s %.3f", task, accuracy);
  return text;
}

}  // namespace

absl::StatusOr<Accuracies> MeasureAccuracy(Learner& learner, const std::vector<std::string>& tasks, std::uint64_t seed,
                                           std::int64_t count) {
  Accuracies accuracies;
  for (const std::string& task : tasks) {
    if (accuracies.contains(task)) continue;
    PackedBatch batch;
    for (const Example& example : HeldOutExamples(task, seed, count)) AddExample(example, batch);
    const absl::StatusOr<std::int64_t> exact = learner.CountExact(batch);
    if (!exact.ok()) return exact.status();
    accuracies[task] = static_cast<double>(*exact) / static_cast<double>(count);
  }
  return accuracies;
}

absl::StatusOr<TrainingResult> Train(Learner& learner, const TrainingOptions& options, const TrainingEvents& events) {
  // Streams from 1 on are the held-out examples'.
  Random random(options.seed, 0);
  TrainingResult result;
  double sum = 0.0;
  std::int64_t summed = 0;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const absl::StatusOr<double> loss = learner.Step(RandomBatch(options, random), LearningRate(options, step));
    if (!loss.ok()) return loss.status();
    sum += *loss;
    ++summed;
    const std::int64_t done = step + 1;
    const bool last = done == options.steps;
    if (done % options.report_every == 0 || last) {
      result.loss = sum / static_cast<double>(std::exchange(summed, 0));
      sum = 0.0;
      events.report(absl::StrFormat("step %d/%d  loss %.4f", done, options.steps, result.loss));
    }
    if (done % options.measure_every == 0 || last) {
      absl::StatusOr<Accuracies> measured = MeasureAccuracy(learner, options.tasks, options.seed, options.held_out);
      if (!measured.ok()) return measured.status();
      result.held_out_accuracy = *std::move(measured);
      events.report("held-out accuracy" + AccuracyText(result.held_out_accuracy));
    }
    if (options.save_every > 0 && done % options.save_every == 0) {
      const absl::Status saved = events.save(done);
      if (!saved.ok()) return saved;
    }
  }
  return result;
}

}  // namespace headscope::worker
