#include "worker/model/decoder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/families/registry.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

// Keeps what it is shown.
class Recorder final : public DecoderObserver {
 public:
  void OnAttention(std::int64_t layer, const at::Tensor& z, const at::Tensor& projected) override {
    EXPECT_EQ(layer, static_cast<std::int64_t>(this->z.size()));
    this->z.push_back(z);
    this->projected.push_back(projected);
  }
  std::vector<at::Tensor> z, projected;
};

at::Tensor TokenRow(const std::vector<std::int32_t>& ids) {
  return at::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), at::kLong).unsqueeze(0);
}

// Mean negative log-likelihood of one unpadded sample, in the plainest way.
at::Tensor Loss(const TestEngine& test, const at::Tensor& hidden, const GoldenSample& sample) {
  const auto length = static_cast<std::int64_t>(sample.token_ids.size());
  const at::Tensor logits = HeadLogits(test.model->spec(), test.model->weights(), hidden[0]);
  const at::Tensor log_probability =
      logits.narrow(0, sample.prompt_tokens - 1, length - sample.prompt_tokens).log_softmax(-1);
  const at::Tensor targets =
      TokenRow(sample.token_ids)[0].narrow(0, sample.prompt_tokens, length - sample.prompt_tokens);
  return -log_probability.gather(-1, targets.unsqueeze(-1)).mean();
}

class DecoderTest : public ::testing::TestWithParam<const char*> {};

// methods.md 3.2: the output projection is linear, so the heads' scores add up to the attention's, its bias left out.
TEST_P(DecoderTest, ScoresOfALayerAddUpToAttentionTimesItsGradient) {
  const GoldenCase golden = LoadGolden(GetParam());
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat64);
  const GoldenSample& sample = golden.samples[3];
  Recorder recorder;
  ForwardInput input;
  input.token_ids = TokenRow(sample.token_ids);
  input.observer = &recorder;
  for (std::int64_t layer = 0; layer < test.layers(); ++layer) {
    input.gates.push_back(at::ones({1, test.heads()}, at::kDouble).requires_grad_(true));
  }
  const auto hidden = ForwardHidden(test.model->spec(), test.model->weights(), input);
  ASSERT_TRUE(hidden.ok());
  const at::Tensor loss = Loss(test, *hidden, sample);
  const std::vector<at::Tensor> gradients = Gradients({loss}, recorder.projected, {at::ones_like(loss)});
  const HeadMatrix scores = ScoresOf(test, BatchOf({sample}))[0];
  for (std::int64_t layer = 0; layer < test.layers(); ++layer) {
    double sum = 0, largest = 0;
    for (const double score : scores[layer]) {
      sum += score;
      largest = std::max(largest, std::abs(score));
    }
    // D travels as float32.
    EXPECT_NEAR((recorder.projected[layer] * gradients[layer]).sum().item<double>(), sum, 1e-6 * largest) << layer;
  }
}

// The gate's gradient is <z, dL/dz>, the definition of D.
TEST_P(DecoderTest, DIsHeadOutputTimesItsGradient) {
  const GoldenCase golden = LoadGolden(GetParam());
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat64);
  const GoldenSample& sample = golden.samples[0];
  Recorder recorder;
  ForwardInput input;
  input.token_ids = TokenRow(sample.token_ids);
  input.observer = &recorder;
  // Makes the graph begin at the embeddings, so that every z is in it.
  DecoderWeights weights = test.model->weights();
  weights.embedding.weight = weights.embedding.weight.detach().clone().requires_grad_(true);
  const auto hidden = ForwardHidden(test.model->spec(), weights, input);
  ASSERT_TRUE(hidden.ok());
  const at::Tensor loss = Loss(test, *hidden, sample);
  const std::vector<at::Tensor> gradients = Gradients({loss}, recorder.z, {at::ones_like(loss)});
  const auto engine = test.engine->Gradients(BatchOf({sample}), nullptr);
  const auto length = static_cast<std::int64_t>(sample.token_ids.size());
  const at::Tensor d = at::tensor(engine->d, at::kFloat).to(at::kDouble).view({test.layers(), test.heads(), length});
  for (std::int64_t layer = 0; layer < test.layers(); ++layer) {
    const at::Tensor expected = (recorder.z[layer] * gradients[layer]).sum(-1)[0];  // [heads, query]
    EXPECT_LE((d[layer] - expected).abs().max().item<double>(), 1e-6 * expected.abs().max().item<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(Families, DecoderTest, ::testing::Values("gpt2", "llama", "llama3", "gemma2"),
                         [](const auto& info) { return std::string(info.param); });

// methods.md 3.10: a kv head's score, <v, dL/dv>, is the sum of its query heads' scores.
TEST(DecoderGroupTest, ScalingAKeyValueHeadsValuesMovesTheLossByTheSumOfItsQueryHeads) {
  TestModel model = TestModel::Golden("llama");
  const GoldenCase golden = LoadGolden("llama");
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat64);
  const DecoderSpec& spec = test.model->spec();
  const PackedBatch batch = BatchOf({golden.samples[1]});
  const HeadMatrix scores = ScoresOf(test, batch)[0];
  const std::int64_t layer = 1, kv_head = 1, group = spec.heads / spec.kv_heads;
  constexpr double kStep = 1e-3;
  const auto scaled = [&](double factor) {
    TestModel changed = model;
    TestTensor& value = changed.tensors["model.layers.1.self_attn.v_proj.weight"];
    std::vector<double> values = value.Values();
    for (std::int64_t i = kv_head * spec.head_dim * spec.width; i < (kv_head + 1) * spec.head_dim * spec.width; ++i) {
      values[i] *= factor;
    }
    value.dtype = "F64";
    value.SetValues(values);
    return (*LoadTestEngine(changed.Write(), DType::kFloat64).engine->Objectives(batch, {}, nullptr))[0];
  };
  double sum = 0;
  for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) sum += scores[layer][head];
  EXPECT_NEAR((scaled(1 + kStep) - scaled(1 - kStep)) / (2 * kStep), sum, 1e-5 * std::abs(sum));
}

// What the trainer does: every stored tensor a leaf, one step along the gradient makes the loss smaller.
TEST(DecoderTrainingTest, WeightsThatRequireGradientsGetThem) {
  const TestModel model = TestModel::Golden("llama");
  const auto architecture = MakeArchitecture(model.config.dump());
  ASSERT_TRUE(architecture.ok());
  std::map<std::string, at::Tensor> leaves;
  for (const FileTensor& tensor : architecture->tensors) {
    const auto values = at::tensor(model.tensors.at(tensor.name).Values(), at::kFloat);
    leaves[tensor.name] = values.view(FileShape(architecture->spec, tensor)).clone().requires_grad_(true);
  }
  const auto weights = AssembleWeights(*architecture, [&](const FileTensor& tensor) { return leaves.at(tensor.name); });
  ASSERT_TRUE(weights.ok()) << weights.status();
  ForwardInput input;
  input.token_ids = TokenRow(MadeUpIds(9, 97, 1));
  const auto loss = [&] {
    const at::Tensor hidden = *ForwardHidden(architecture->spec, *weights, input);
    const at::Tensor logits = HeadLogits(architecture->spec, *weights, hidden)[0].narrow(0, 0, 8);
    return at::cross_entropy_loss(logits, input.token_ids[0].narrow(0, 1, 8));
  };
  const at::Tensor before = loss();
  before.backward();
  const GradMode no_graph(false);
  for (auto& [name, leaf] : leaves) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    EXPECT_GT(leaf.grad().abs().max().item<float>(), 0.0f) << name;
    leaf.sub_(leaf.grad(), 1e-3);
  }
  EXPECT_LT(loss().item<float>(), before.item<float>());
}

}  // namespace
}  // namespace headscope::worker
