#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/tensor/operations_under_test.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

struct Case {
  std::string name;
  AttentionOptions options;
  // Tokens of each sequence of the batch.
  std::vector<std::int64_t> lengths;
};

std::vector<Case> Cases() {
  return {
      {"one token", {3, 3, 20, 0.3}, {1}},
      {"two tokens", {2, 1, 6, 0.4}, {2}},
      {"a batch", {4, 4, 20, 0.25}, {60, 1, 2, 37}},
      {"grouped heads", {6, 2, 80, 0.11}, {60, 33}},
      {"one key-value head", {5, 1, 6, 0.4}, {60, 2}},
      {"one column", {2, 2, 1, 1.0}, {60}},
      {"480 tokens", {4, 2, 64, 0.125}, {480}},
      {"2100 tokens", {2, 1, 20, 0.25}, {2100}},
      {"2100 tokens in a window", {1, 1, 6, 0.4, 100}, {2100}},
      {"a window of one token", {2, 2, 20, 0.25, 1}, {60, 1}},
      {"a short window", {4, 2, 20, 0.25, 7}, {60, 5, 480}},
      {"a window longer than all", {4, 2, 20, 0.25, 4096}, {60, 5}},
      {"a soft cap", {4, 2, 20, 0.25, std::nullopt, 2.0}, {60, 5}},
      {"a soft cap and a window", {4, 1, 80, 0.3, 13, 5.0}, {60, 480}},
      {"sharp attention", {2, 2, 20, 2.0}, {60, 480}},
      {"empty sequences", {2, 2, 20, 0.25}, {0, 5, 0, 0, 7, 0}},
  };
}

struct Batch {
  std::vector<std::int64_t> offsets;
  at::Tensor q, k, v, dz;
};

Batch Draw(const Case& test) {
  Batch batch = {{0}, {}, {}, {}, {}};
  for (const std::int64_t length : test.lengths) batch.offsets.push_back(batch.offsets.back() + length);
  const std::int64_t tokens = batch.offsets.back();
  const std::int64_t width = test.options.heads * test.options.head_dim;
  const std::int64_t kv_width = test.options.kv_heads * test.options.head_dim;
  batch.q = Normal({tokens, width}, 1);
  batch.k = Normal({tokens, kv_width}, 2);
  batch.v = Normal({tokens, kv_width}, 3);
  batch.dz = Normal({tokens, width}, 4);
  return batch;
}

struct Forward {
  at::Tensor z, lse;
};
struct Backward {
  at::Tensor dq, dk, dv;
};

// x [T, heads * d] -> [1, heads, T, d].
at::Tensor Heads(const at::Tensor& x, std::int64_t head_dim) {
  return x.view({1, x.size(0), x.size(1) / head_dim, head_dim}).transpose(1, 2);
}

// [H, T]: logarithms of the sums of exponentials of one sequence's scores.
at::Tensor ExpectedLse(const AttentionOptions& options, const at::Tensor& q, const at::Tensor& k) {
  const at::Tensor keys = Heads(k, options.head_dim).repeat_interleave(options.heads / options.kv_heads, 1);
  at::Tensor scores = at::matmul(Heads(q, options.head_dim), keys.transpose(-1, -2)) * options.scale;
  if (options.soft_cap.has_value()) scores = SoftCap(scores, *options.soft_cap);
  const at::Tensor hidden = HiddenKeys(q.size(0), options.window, at::kCPU);
  return scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()).logsumexp(-1).squeeze(0);
}

// A token that sees only itself has no gradient of its query and key, by cancellation of terms of the values'
// gradient's size.
void ExpectGradients(const Backward& actual, const Backward& expected, double bound, const std::string& what) {
  const double magnitude = LargestMagnitude(expected.dv);
  ExpectNear(actual.dq, Wide(expected.dq), bound, what + ", dq", magnitude);
  ExpectNear(actual.dk, Wide(expected.dk), bound, what + ", dk", magnitude);
  ExpectNear(actual.dv, Wide(expected.dv), bound, what + ", dv");
}

struct Expected {
  Forward forward;
  Backward backward;
};

// Sequence by sequence in float64 with autograd.
Expected ExpectedAttention(const Case& test, const Batch& batch) {
  std::vector<at::Tensor> z, lse, dq, dk, dv;
  for (std::size_t sequence = 0; sequence < test.lengths.size(); ++sequence) {
    const std::int64_t begin = batch.offsets[sequence], length = test.lengths[sequence];
    if (length == 0) continue;
    const at::Tensor q = Variable(batch.q.narrow(0, begin, length)), k = Variable(batch.k.narrow(0, begin, length));
    const at::Tensor v = Variable(batch.v.narrow(0, begin, length));
    const std::int64_t head_dim = test.options.head_dim;
    const at::Tensor hidden = HiddenKeys(length, test.options.window, at::kCPU);
    const at::Tensor heads = Attend(Heads(q, head_dim), Heads(k, head_dim), Heads(v, head_dim), hidden,
                                    test.options.scale, test.options.soft_cap);
    z.push_back(heads.transpose(1, 2).reshape({length, -1}));
    lse.push_back(ExpectedLse(test.options, q.detach(), k.detach()));
    const std::vector<at::Tensor> gradients =
        Gradients({z.back()}, {q, k, v}, {Wide(batch.dz.narrow(0, begin, length))});
    dq.push_back(gradients[0]);
    dk.push_back(gradients[1]);
    dv.push_back(gradients[2]);
  }
  return {{at::cat(z), at::cat(lse, 1)}, {at::cat(dq), at::cat(dk), at::cat(dv)}};
}

class AttentionOperationTest : public OperationsTest {
 protected:
  Forward RunForward(const AttentionOptions& options, const Batch& batch) {
    const std::int64_t tokens = batch.q.size(0);
    const Forward forward = {Unwritten({tokens, batch.q.size(1)}), Unwritten({options.heads, tokens})};
    operations().Attention(options, batch.offsets, batch.q, batch.k, batch.v, forward.z, forward.lse);
    return forward;
  }

  Backward RunBackward(const AttentionOptions& options, const Batch& batch, const Forward& forward) {
    const std::int64_t tokens = batch.q.size(0);
    const at::Tensor dots = Unwritten({options.heads, tokens});
    operations().HeadDots(options.heads, forward.z, batch.dz, dots);
    const Backward backward = {Unwritten({tokens, batch.q.size(1)}), Unwritten({tokens, batch.k.size(1)}),
                               Unwritten({tokens, batch.k.size(1)})};
    operations().AttentionBackward(options, batch.offsets, batch.q, batch.k, batch.v, forward.lse, batch.dz, dots,
                                   backward.dq, backward.dk, backward.dv);
    return backward;
  }

  void ExpectAll(const Case& test, const Batch& batch) {
    const Expected expected = ExpectedAttention(test, batch);
    const Forward forward = RunForward(test.options, batch);
    const Backward backward = RunBackward(test.options, batch, forward);
    ExpectNear(forward.z, expected.forward.z, kProductBound, test.name + ", z");
    ExpectNear(forward.lse, expected.forward.lse, kProductBound, test.name + ", lse");
    ExpectGradients(backward, expected.backward, kProductBound, test.name);
  }
};

TEST_P(AttentionOperationTest, ForwardAndReverseEqualAutograd) {
  for (const Case& test : Cases()) ExpectAll(test, Draw(test));
}

TEST_P(AttentionOperationTest, ReverseOfOneSupervisedRowIsExact) {
  for (const Case& test : Cases()) {
    Batch batch = Draw(test);
    const std::int64_t row = batch.offsets.back() - 1;
    batch.dz.narrow(0, 0, row).zero_();
    ExpectAll(test, batch);
  }
}

TEST_P(AttentionOperationTest, EverySequenceAloneGivesTheSame) {
  for (const Case& test : Cases()) {
    const Batch batch = Draw(test);
    const Forward packed = RunForward(test.options, batch);
    const Backward packed_backward = RunBackward(test.options, batch, packed);
    for (std::size_t sequence = 0; sequence < test.lengths.size(); ++sequence) {
      const std::int64_t begin = batch.offsets[sequence], length = test.lengths[sequence];
      if (length == 0) continue;
      const auto part = [&](const at::Tensor& x) { return x.narrow(0, begin, length).contiguous(); };
      const Batch alone = {{0, length}, part(batch.q), part(batch.k), part(batch.v), part(batch.dz)};
      const Forward forward = RunForward(test.options, alone);
      const Backward backward = RunBackward(test.options, alone, forward);
      ExpectNear(forward.z, Wide(part(packed.z)), kPackingBound, test.name + ", z");
      ExpectNear(forward.lse, Wide(packed.lse.narrow(1, begin, length)), kPackingBound, test.name + ", lse");
      const Backward expected = {part(packed_backward.dq), part(packed_backward.dk), part(packed_backward.dv)};
      ExpectGradients(backward, expected, kPackingBound, test.name);
    }
  }
}

TEST_P(AttentionOperationTest, NanReachesTheTokensThatSeeItAndNoOtherSequence) {
  const Case test = {"two sequences", {4, 2, 20, 0.25}, {9, 9}};
  for (const int which : {0, 1, 2}) {
    Batch batch = Draw(test);
    (which == 0 ? batch.q : which == 1 ? batch.k : batch.v)[5] = std::numeric_limits<double>::quiet_NaN();
    const Forward forward = RunForward(test.options, batch);
    const Backward backward = RunBackward(test.options, batch, forward);
    EXPECT_TRUE(forward.z[5].isnan().all().item<bool>()) << which;
    EXPECT_FALSE(forward.z.narrow(0, 9, 9).isnan().any().item<bool>()) << which;
    EXPECT_TRUE(backward.dq[5].isnan().all().item<bool>()) << which;
    EXPECT_FALSE(backward.dq.narrow(0, 9, 9).isnan().any().item<bool>()) << which;
    EXPECT_FALSE(backward.dk.narrow(0, 9, 9).isnan().any().item<bool>()) << which;
  }
}

HEADSCOPE_TEST_ALL_OPERATIONS(AttentionOperationTest);

}  // namespace
}  // namespace headscope::worker
