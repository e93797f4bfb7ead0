// A model whose weights can learn: the product's own decoder with weights that require gradients.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/model/decoder_spec.h"
#include "worker/model/packed_batch.h"
#include "worker/tools/model_writer/safetensors_writer.h"

namespace headscope::worker {

// How well a model answers samples.
struct Evaluation {
  // Samples whose supervised tokens are all the likeliest ones: those that greedy decoding answers exactly, since it
  // follows the same tokens as long as each is right.
  std::int64_t exact = 0;
  // Supervised tokens, and the sum of their negative log-likelihoods (nats).
  std::int64_t tokens = 0;
  double loss_sum = 0.0;
};

// Learns in float32 on the CPU, deterministically for one number of compute threads. Thread-compatible.
class Learner {
 public:
  // Begins with the weights of a model directory. Errors: those of DescribeModel.
  static absl::StatusOr<std::unique_ptr<Learner>> Open(const std::string& directory);
  ~Learner();

  const DecoderSpec& spec() const;
  // Numbers that are learned.
  std::int64_t parameters() const;

  // One step of the optimiser. Returns the loss before it: the mean negative log-likelihood (nats) over all supervised
  // tokens of the batch. Errors: INVALID_ARGUMENT for a sample that the model cannot run.
  absl::StatusOr<double> Step(const PackedBatch& batch, double learning_rate);

  // How well the model as it is now knows `batch`. Errors as above.
  absl::StatusOr<Evaluation> Evaluate(const PackedBatch& batch);

  // Writes the model as it is now to `directory`, with the configuration and tokenizer files it was opened with.
  absl::Status Save(const std::string& directory, StoredType type) const;

 private:
  struct State;
  explicit Learner(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A learner of the model in `directory`, which has the vocabulary that AddExample writes in. FAILED_PRECONDITION for
// another size, with both.
absl::StatusOr<std::unique_ptr<Learner>> OpenByteLearner(const std::string& directory);

}  // namespace headscope::worker
