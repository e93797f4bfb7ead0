#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/tensor/operations_under_test.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

struct Kind {
  std::string name;
  ActivationKind kind;
};
const Kind kKinds[] = {{"relu", ActivationKind::kRelu},
                       {"gelu", ActivationKind::kGelu},
                       {"gelu by tanh", ActivationKind::kGeluTanh},
                       {"silu", ActivationKind::kSilu}};

at::Tensor ExpectedActivation(ActivationKind kind, const at::Tensor& x) {
  switch (kind) {
    case ActivationKind::kRelu:
      return at::relu(x);
    case ActivationKind::kGelu:
      return at::gelu(x);
    case ActivationKind::kGeluTanh:
      return at::gelu(x, "tanh");
    case ActivationKind::kSilu:
      return at::silu(x);
  }
  return at::Tensor();
}

// Inputs where the functions bend, close to 0 and in both tails.
std::vector<at::Tensor> Inputs() {
  return {at::linspace(-12, 12, 2401).view({7, 343}),
          at::linspace(-0.01, 0.01, 101).view({1, 101}),
          Normal({2, 20}, 1),
          Normal({1, 1}, 2),
          Normal({480, 33}, 3) * 3.0,
          Normal({2100, 6}, 4)};
}

class ElementwiseOperationTest : public OperationsTest {};

TEST_P(ElementwiseOperationTest, ActivationLeavesItsDerivative) {
  for (const Kind& kind : kKinds) {
    for (const at::Tensor& x : Inputs()) {
      const at::Tensor variable = Variable(x);
      const at::Tensor expected = ExpectedActivation(kind.kind, variable);
      const at::Tensor derivative = Gradients({expected}, {variable}, {at::ones_like(expected)})[0];
      const at::Tensor up = x.clone(), out = Unwritten({x.size(0), x.size(1)});
      operations().Activate(kind.kind, up, out);
      ExpectNear(out, expected, kElementwiseBound, kind.name);
      ExpectNear(up, derivative, kElementwiseBound, kind.name + "'s derivative");
    }
  }
}

TEST_P(ElementwiseOperationTest, GatedActivationLeavesBothDerivatives) {
  for (const Kind& kind : kKinds) {
    for (const at::Tensor& x : Inputs()) {
      const at::Tensor y = Normal({x.size(0), x.size(1)}, 5);
      const at::Tensor gate_variable = Variable(x), up_variable = Variable(y);
      const at::Tensor expected = ExpectedActivation(kind.kind, gate_variable) * up_variable;
      const std::vector<at::Tensor> derivatives =
          Gradients({expected}, {gate_variable, up_variable}, {at::ones_like(expected)});
      const at::Tensor gate = x.clone(), up = y.clone(), out = Unwritten({x.size(0), x.size(1)});
      operations().ActivateGated(kind.kind, gate, up, out);
      ExpectNear(out, expected, kElementwiseBound, kind.name);
      ExpectNear(gate, derivatives[0], kElementwiseBound, kind.name + " by its gate");
      ExpectNear(up, derivatives[1], kElementwiseBound, kind.name + " by what it gates");
    }
  }
}

TEST_P(ElementwiseOperationTest, ActivationsOfLargeNumbersStayFinite) {
  // From where e^-x is 0 on.
  const double large = operations().type() == at::kDouble ? 1000.0 : 100.0;
  const at::Tensor x = at::tensor({-1e4, -large, large, 1e4}, operations().type()).view({1, 4});
  for (const Kind& kind : kKinds) {
    const at::Tensor up = x.clone(), out = Unwritten({1, 4});
    operations().Activate(kind.kind, up, out);
    EXPECT_TRUE(out.equal(at::relu(x))) << kind.name << out;
    EXPECT_TRUE(up.equal(x.gt(0).to(x.scalar_type()))) << kind.name << up;
  }
}

TEST_P(ElementwiseOperationTest, NanPassesActivations) {
  for (const Kind& kind : kKinds) {
    const at::Tensor up = Normal({3, 20}, 1);
    up[1][7] = std::numeric_limits<double>::quiet_NaN();
    const at::Tensor gate = up.clone(), gated = Normal({3, 20}, 2);
    const at::Tensor out = at::zeros({3, 20}), gated_out = at::zeros({3, 20});
    operations().Activate(kind.kind, up, out);
    operations().ActivateGated(kind.kind, gate, gated, gated_out);
    for (const at::Tensor& result : {out, gated_out}) {
      EXPECT_TRUE(result[1][7].isnan().item<bool>()) << kind.name;
      EXPECT_EQ(result.isnan().sum().item<std::int64_t>(), 1) << kind.name;
    }
  }
}

TEST_P(ElementwiseOperationTest, MultipliesAndAddsAlsoInPlace) {
  for (const at::Tensor& a : Inputs()) {
    const at::Tensor b = Normal({a.size(0), a.size(1)}, 5);
    const at::Tensor out = Unwritten({a.size(0), a.size(1)}), first = a.clone(), second = b.clone(), sum = a.clone();
    operations().Multiply(a, b, out);
    operations().Multiply(first, b, first);
    operations().Multiply(a, second, second);
    operations().Add(sum, b);
    EXPECT_TRUE(out.equal(a * b));
    EXPECT_TRUE(first.equal(out));
    EXPECT_TRUE(second.equal(out));
    EXPECT_TRUE(sum.equal(a + b));
  }
}

TEST_P(ElementwiseOperationTest, HeadDotsAreSumsOverEachHeadsColumns) {
  for (const std::int64_t head_dim : {1, 6, 20, 80}) {
    for (const std::int64_t tokens : {1, 2, 60, 480}) {
      const at::Tensor z = Normal({tokens, 3 * head_dim}, 1), dz = Normal({tokens, 3 * head_dim}, 2);
      const at::Tensor dots = Unwritten({3, tokens});
      operations().HeadDots(3, z, dz, dots);
      const at::Tensor expected = (Wide(z) * Wide(dz)).view({tokens, 3, head_dim}).sum(-1).t();
      ExpectNear(dots, expected, kElementwiseBound, std::to_string(tokens) + " tokens of " + std::to_string(head_dim));
    }
  }
}

struct Rotation {
  std::int64_t tokens, heads, head_dim, dimensions;
  double scaling;
};
const Rotation kRotations[] = {{1, 1, 2, 2, 1.0},   {2, 3, 6, 6, 1.0},     {60, 4, 20, 8, 1.0},
                               {7, 2, 80, 32, 1.3}, {480, 2, 64, 64, 1.0}, {2100, 1, 20, 20, 0.8}};

TEST_P(ElementwiseOperationTest, RotatesByPositionAndTheGradientBack) {
  for (const Rotation& rotation : kRotations) {
    std::vector<float> frequencies;
    for (std::int64_t pair = 0; 2 * pair < rotation.dimensions; ++pair) frequencies.push_back(1.0f / (1.0f + pair));
    const RopeTable table = MakeRopeTable(frequencies, rotation.scaling, rotation.tokens + 5, at::zeros({1}));
    // A packed batch: positions begin again in the middle.
    at::Tensor positions = at::arange(rotation.tokens, at::kLong) + 3;
    positions.narrow(0, rotation.tokens / 2, rotation.tokens - rotation.tokens / 2).sub_(rotation.tokens / 2);
    const RopeTable rows = {Wide(table.cosine.index_select(0, positions)), Wide(table.sine.index_select(0, positions))};

    const std::int64_t width = rotation.heads * rotation.head_dim;
    const at::Tensor x = Normal({rotation.tokens, width}, 1), dout = Normal({rotation.tokens, width}, 2);
    const at::Tensor variable = Variable(x);
    const at::Tensor heads = variable.view({1, rotation.tokens, rotation.heads, rotation.head_dim}).transpose(1, 2);
    const at::Tensor expected = ApplyRope(heads, rows).transpose(1, 2).reshape({rotation.tokens, width});
    const at::Tensor gradient = Gradients({expected}, {variable}, {Wide(dout)})[0];

    const at::Tensor out = x.clone(), dx = dout.clone();
    operations().Rotate(table, positions, rotation.head_dim, /*inverse=*/false, out);
    operations().Rotate(table, positions, rotation.head_dim, /*inverse=*/true, dx);
    const std::string what = std::to_string(rotation.tokens) + " tokens";
    ExpectNear(out, expected, kElementwiseBound, what);
    ExpectNear(dx, gradient, kElementwiseBound, what + ", inverse");
  }
}

HEADSCOPE_TEST_ALL_OPERATIONS(ElementwiseOperationTest);

}  // namespace
}  // namespace headscope::worker
