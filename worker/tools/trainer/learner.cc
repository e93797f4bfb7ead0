#include "worker/tools/trainer/learner.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "worker/model/checkpoint.h"
#include "worker/model/decoder.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/json_strict.h"
#include "worker/model/model_directory.h"
#include "worker/model/padded_batch.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_guard.h"
#include "worker/tools/trainer/adam.h"
#include "worker/tools/trainer/byte_vocabulary.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kMaxTextBytes = 64 << 20;
constexpr int kMaxJsonDepth = 64;

// Leaves in the order of architecture.tensors; undefined where an optional is absent or a tensor is never read.
using Leaves = std::vector<at::Tensor>;

absl::StatusOr<at::Tensor> ReadLeaf(const TensorLocation& location) {
  static const std::map<std::string, at::ScalarType> types = {
      {"F32", at::kFloat}, {"F64", at::kDouble}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}};
  at::Tensor stored = at::empty(location.tensor->shape, types.at(location.tensor->dtype));
  const absl::Status status = location.file->Read(*location.tensor, stored.data_ptr());
  if (!status.ok()) return status;
  return stored.to(at::kFloat).requires_grad_(true);
}

absl::StatusOr<Leaves> ReadLeaves(const Checkpoint& checkpoint) {
  Leaves leaves(checkpoint.architecture.tensors.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const bool unread = checkpoint.architecture.tensors[i].presence == Presence::kUnread;
    if (unread || checkpoint.account.locations[i].tensor == nullptr) continue;
    absl::StatusOr<at::Tensor> leaf = ReadLeaf(checkpoint.account.locations[i]);
    if (!leaf.ok()) return leaf.status();
    leaves[i] = *std::move(leaf);
  }
  return leaves;
}

std::vector<at::Tensor> Defined(const Leaves& leaves) {
  std::vector<at::Tensor> defined;
  std::copy_if(leaves.begin(), leaves.end(), std::back_inserter(defined),
               [](const at::Tensor& leaf) { return leaf.defined(); });
  return defined;
}

at::Tensor Indices(const PaddedBatch& batch, std::int64_t Prediction::*member) {
  std::vector<std::int64_t> values;
  for (const Prediction& prediction : batch.predictions) values.push_back(prediction.*member);
  return at::tensor(values, at::kLong);
}

// Configuration and tokenizer files, as far as there are any, with the weights' new dtype.
absl::Status CopyTextFiles(const std::string& from, const std::string& to, StoredType type) {
  const auto source = ModelDirectory::Open(from, "");
  if (!source.ok()) return source.status();
  for (const std::string name : {"added_tokens.json", "config.json", "generation_config.json", "merges.txt",
                                 "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"}) {
    if (!source->Contains(name)) continue;
    auto text = source->ReadText(name, kMaxTextBytes);
    if (!text.ok()) return text.status();
    if (name == "config.json") {
      auto config = ParseStrictJson(*text, name, kMaxJsonDepth);
      if (!config.ok()) return config.status();
      (*config)["torch_dtype"] = StoredTypeName(type);
      text = config->dump(2) + "\n";
    }
    const absl::Status written = WriteTextFile(absl::StrCat(to, "/", name), *text);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

}  // namespace

struct Learner::State {
  State(std::string opened, Architecture described, Leaves read)
      : directory(std::move(opened)),
        architecture(std::move(described)),
        leaves(std::move(read)),
        optimiser(Defined(leaves), AdamOptions()) {}

  // The decoder over the leaves as they are now; where a leaf is picked apart, autograd sees how.
  absl::StatusOr<DecoderWeights> Weights() const {
    const FileTensor* first = architecture.tensors.data();
    return AssembleWeights(architecture, [&](const FileTensor& tensor) -> absl::StatusOr<at::Tensor> {
      return leaves[static_cast<std::size_t>(&tensor - first)];
    });
  }

  // Logits [predictions, vocabulary] of a padded batch.
  absl::StatusOr<at::Tensor> Logits(const PaddedBatch& batch) const {
    absl::StatusOr<DecoderWeights> weights = Weights();
    if (!weights.ok()) return weights.status();
    ForwardInput input;
    input.token_ids = at::tensor(batch.token_ids, at::kLong).view({batch.samples, batch.length});
    absl::StatusOr<at::Tensor> hidden = ForwardHidden(architecture.spec, *weights, input);  // [batch, query, width]
    if (!hidden.ok()) return hidden.status();
    const at::Tensor rows = hidden->flatten(0, 1).index_select(0, Indices(batch, &Prediction::row));
    return HeadLogits(architecture.spec, *weights, rows);
  }

  std::string directory;
  Architecture architecture;
  Leaves leaves;
  Adam optimiser;
};

Learner::Learner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Learner::~Learner() = default;

absl::StatusOr<std::unique_ptr<Learner>> Learner::Open(const std::string& directory) {
  return TorchGuard(absl::StrCat("loading ", directory), [&]() -> absl::StatusOr<std::unique_ptr<Learner>> {
    absl::StatusOr<Checkpoint> checkpoint = OpenCheckpoint(directory, "");
    if (!checkpoint.ok()) return checkpoint.status();
    absl::StatusOr<Leaves> leaves = ReadLeaves(*checkpoint);
    if (!leaves.ok()) return leaves.status();
    return std::unique_ptr<Learner>(
        new Learner(std::make_unique<State>(directory, std::move(checkpoint->architecture), *std::move(leaves))));
  });
}

const DecoderSpec& Learner::spec() const { return state_->architecture.spec; }

std::int64_t Learner::parameters() const {
  std::int64_t count = 0;
  for (const at::Tensor& leaf : Defined(state_->leaves)) count += leaf.numel();
  return count;
}

absl::StatusOr<double> Learner::Step(const PackedBatch& batch, double learning_rate) {
  const absl::Status checked = CheckBatch(batch, spec());
  if (!checked.ok()) return checked;
  return TorchGuard("a training step", [&]() -> absl::StatusOr<double> {
    const PaddedBatch padded = PadBatch(batch);
    const absl::StatusOr<at::Tensor> logits = state_->Logits(padded);
    if (!logits.ok()) return logits.status();
    const at::Tensor loss = at::cross_entropy_loss(*logits, Indices(padded, &Prediction::target));
    std::vector<at::Tensor> gradients = Gradients({loss}, Defined(state_->leaves), {at::ones_like(loss)});
    state_->optimiser.Step(gradients, learning_rate);
    return loss.item<double>();
  });
}

absl::StatusOr<Evaluation> Learner::Evaluate(const PackedBatch& batch) {
  const absl::Status checked = CheckBatch(batch, spec());
  if (!checked.ok()) return checked;
  return TorchGuard("answering", [&]() -> absl::StatusOr<Evaluation> {
    const GradMode no_graph(false);
    const PaddedBatch padded = PadBatch(batch);
    const absl::StatusOr<at::Tensor> logits = state_->Logits(padded);
    if (!logits.ok()) return logits.status();
    const at::Tensor targets = Indices(padded, &Prediction::target);                     // [predictions]
    const at::Tensor right = logits->argmax(-1).eq(targets).to(at::kByte).contiguous();  // [predictions]
    std::vector<bool> exact(static_cast<std::size_t>(padded.samples), true);
    for (std::size_t i = 0; i < padded.predictions.size(); ++i) {
      if (right.data_ptr<std::uint8_t>()[i] == 0) exact[static_cast<std::size_t>(padded.predictions[i].sample)] = false;
    }
    const at::Tensor loss = at::cross_entropy_loss(*logits, targets, {}, at::Reduction::Sum);
    return Evaluation{.exact = std::count(exact.begin(), exact.end(), true),
                      .tokens = targets.numel(),
                      .loss_sum = loss.item<double>()};
  });
}

absl::Status Learner::Save(const std::string& directory, StoredType type) const {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", directory, ": ", error.message()));
  const absl::Status copied = CopyTextFiles(state_->directory, directory, type);
  if (!copied.ok()) return copied;
  std::vector<OutputTensor> tensors;
  for (std::size_t i = 0; i < state_->leaves.size(); ++i) {
    const at::Tensor leaf = state_->leaves[i];
    if (!leaf.defined()) continue;
    tensors.push_back({state_->architecture.tensors[i].name, leaf.sizes().vec(), [leaf](std::span<float> values) {
                         std::copy_n(leaf.data_ptr<float>(), values.size(), values.data());
                       }});
  }
  return WriteSafetensors(directory + "/model.safetensors", type, tensors);
}

absl::StatusOr<std::unique_ptr<Learner>> OpenByteLearner(const std::string& directory) {
  auto learner = Learner::Open(directory);
  if (learner.ok() && (*learner)->spec().vocabulary != kByteVocabulary) {
    return absl::FailedPreconditionError(absl::StrCat(directory, " has ", (*learner)->spec().vocabulary,
                                                      " words; the tasks need the byte vocabulary of ",
                                                      kByteVocabulary));
  }
  return learner;
}

}  // namespace headscope::worker
