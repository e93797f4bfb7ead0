#include "worker/tools/trainer/training_run.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <utility>

#include "absl/strings/str_format.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/example_source.h"
#include "worker/tools/trainer/measurement.h"

namespace headscope::worker {
namespace {

constexpr double kLastShare = 0.05;

double LearningRate(const TrainingOptions& options, std::int64_t step) {
  const double warm_up = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.warm_up_steps));
  const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  return options.learning_rate * warm_up * (kLastShare + (1.0 - kLastShare) * cosine);
}

std::unique_ptr<ExampleSource> Source(const TrainingOptions& options) {
  if (options.rows.empty()) return std::make_unique<TaskExamples>(options.tasks);
  return std::make_unique<RowExamples>(options.rows);
}

PackedBatch NextBatch(ExampleSource& source, std::int64_t size, Random& random) {
  PackedBatch batch;
  for (std::int64_t i = 0; i < size; ++i) AddExample(source.Next(random), batch);
  return batch;
}

absl::Status SaveAfter(std::int64_t done, const TrainingOptions& options, const TrainingEvents& events) {
  if (options.save_every > 0 && done % options.save_every == 0) {
    if (absl::Status status = events.save(done); !status.ok()) return status;
  }
  return options.checkpoints.contains(done) ? events.checkpoint(done) : absl::OkStatus();
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
    const absl::StatusOr<Measurement> measured = Measure(learner, HeldOutExamples(task, seed, count));
    if (!measured.ok()) return measured.status();
    accuracies[task] = measured->accuracy;
  }
  return accuracies;
}

absl::StatusOr<TrainingResult> Train(Learner& learner, const TrainingOptions& options, const TrainingEvents& events) {
  // Streams from 1 on are the held-out examples'.
  Random random(options.seed, 0);
  const std::unique_ptr<ExampleSource> source = Source(options);
  TrainingResult result;
  double sum = 0.0;
  std::int64_t summed = 0;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const absl::StatusOr<double> loss =
        learner.Step(NextBatch(*source, options.batch, random), LearningRate(options, step));
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
    if (!options.tasks.empty() && (done % options.measure_every == 0 || last)) {
      absl::StatusOr<Accuracies> measured = MeasureAccuracy(learner, options.tasks, options.seed, options.held_out);
      if (!measured.ok()) return measured.status();
      result.held_out_accuracy = *std::move(measured);
      events.report("held-out accuracy" + AccuracyText(result.held_out_accuracy));
    }
    if (absl::Status saved = SaveAfter(done, options, events); !saved.ok()) return saved;
  }
  return result;
}

}  // namespace headscope::worker
