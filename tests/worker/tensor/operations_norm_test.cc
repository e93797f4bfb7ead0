#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/tensor/operations_under_test.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

struct Case {
  std::string name;
  NormOptions options;
  bool bias = false;
  at::ScalarType type = at::kFloat;
};
const Case kCases[] = {
    {"layer norm", {NormKind::kLayerNorm, 1e-5}, true},
    {"layer norm without bias", {NormKind::kLayerNorm, 1e-5}},
    {"layer norm in bfloat16", {NormKind::kLayerNorm, 1e-5}, true, at::kBFloat16},
    {"rms norm", {NormKind::kRmsNorm, 1e-6}},
    {"rms norm with a large epsilon", {NormKind::kRmsNorm, 0.5}},
    {"rms norm by 1 + gain", {NormKind::kRmsNorm, 1e-6, true}},
    {"rms norm by 1 + gain in bfloat16", {NormKind::kRmsNorm, 1e-6, true}, false, at::kBFloat16},
};

struct Shape {
  std::int64_t rows, width;
};
const Shape kShapes[] = {{1, 6}, {1, 768}, {2, 20}, {60, 80}, {480, 33}, {2100, 7}, {3, 16384}};

NormWeights Weights(const Case& test, std::int64_t width) {
  return {Normal({width}, 11).to(test.type), test.bias ? Normal({width}, 12).to(test.type) : at::Tensor()};
}

// In x's dtype, with gain and bias widened to it.
at::Tensor ExpectedNorm(const Case& test, const NormWeights& weights, const at::Tensor& x) {
  if (test.options.kind == NormKind::kLayerNorm) {
    return LayerNorm(x, Wide(weights.gain), Wide(weights.bias), test.options.epsilon);
  }
  return RmsNorm(x, Wide(weights.gain), test.options.epsilon, test.options.gain_plus_one);
}

class NormOperationTest : public OperationsTest {
 protected:
  struct Result {
    at::Tensor normed, scale, out;
  };
  Result Run(const Case& test, const NormWeights& weights, const at::Tensor& x) {
    const Result result = {Unwritten({x.size(0), x.size(1)}), Unwritten({x.size(0)}),
                           Unwritten({x.size(0), x.size(1)})};
    operations().Norm(test.options, weights, x, result.normed, result.scale, result.out);
    return result;
  }
};

// Rows off centre, as hidden states are.
at::Tensor Rows(const Shape& shape) { return Normal({shape.rows, shape.width}, 1) * 2.0 + 0.5; }
std::string Text(const Case& test, const Shape& shape) {
  return test.name + " of " + std::to_string(shape.rows) + " x " + std::to_string(shape.width);
}

TEST_P(NormOperationTest, NormalisesScalesAndShifts) {
  for (const Case& test : kCases) {
    for (const Shape& shape : kShapes) {
      const NormWeights weights = Weights(test, shape.width);
      const at::Tensor x = Rows(shape);
      const Result result = Run(test, weights, x);
      ExpectNear(result.out, ExpectedNorm(test, weights, Wide(x)), kElementwiseBound, Text(test, shape));
    }
  }
}

TEST_P(NormOperationTest, LeavesTheNormalisedRowsAndTheirScale) {
  for (const Case& test : kCases) {
    for (const Shape& shape : kShapes) {
      const at::Tensor x = Rows(shape);
      const Result result = Run(test, Weights(test, shape.width), x);
      at::Tensor centred = Wide(x);
      if (test.options.kind == NormKind::kLayerNorm) centred = centred - centred.mean(-1, true);
      const at::Tensor scale = 1.0 / (centred.square().mean(-1) + test.options.epsilon).sqrt();
      ExpectNear(result.scale, scale, kElementwiseBound, Text(test, shape) + ", scale");
      ExpectNear(result.normed, centred * scale.unsqueeze(-1), kElementwiseBound, Text(test, shape) + ", normed");
    }
  }
}

TEST_P(NormOperationTest, ReverseIsTheGradient) {
  for (const Case& test : kCases) {
    for (const Shape& shape : kShapes) {
      const NormWeights weights = Weights(test, shape.width);
      const at::Tensor x = Rows(shape), dout = Normal({shape.rows, shape.width}, 2);
      const at::Tensor variable = Variable(x);
      const at::Tensor expected = Gradients({ExpectedNorm(test, weights, variable)}, {variable}, {Wide(dout)})[0];
      const Result result = Run(test, weights, x);
      const at::Tensor dx = Unwritten({shape.rows, shape.width});
      operations().NormBackward(test.options, weights, dout, result.normed, result.scale, dx, /*add=*/false);
      ExpectNear(dx, expected, kElementwiseBound, Text(test, shape));

      const at::Tensor before = Normal({shape.rows, shape.width}, 3), sum = before.clone();
      operations().NormBackward(test.options, weights, dout, result.normed, result.scale, sum, /*add=*/true);
      ExpectNear(sum, expected + before, kElementwiseBound, Text(test, shape) + ", added");
    }
  }
}

TEST_P(NormOperationTest, WorksInPlace) {
  for (const Case& test : kCases) {
    const Shape shape = {60, 80};
    const NormWeights weights = Weights(test, shape.width);
    const at::Tensor x = Rows(shape);
    const Result result = Run(test, weights, x);
    const at::Tensor normed = x.clone(), scale = Unwritten({60}), out = Unwritten({60, 80});
    operations().Norm(test.options, weights, normed, normed, scale, out);
    EXPECT_TRUE(normed.equal(result.normed) && scale.equal(result.scale) && out.equal(result.out)) << test.name;

    const at::Tensor dout = Normal({60, 80}, 2), dx = Unwritten({60, 80});
    operations().NormBackward(test.options, weights, dout, normed, scale, dx, /*add=*/false);
    operations().NormBackward(test.options, weights, dout, normed, scale, dout, /*add=*/false);
    EXPECT_TRUE(dout.equal(dx)) << test.name;
  }
}

TEST_P(NormOperationTest, NanReachesItsRowOnly) {
  for (const Case& test : kCases) {
    const NormWeights weights = Weights(test, 20);
    const at::Tensor x = Rows({3, 20}), dout = Normal({3, 20}, 2), dx = at::zeros({3, 20});
    const Result clean = Run(test, weights, x);
    dout[1][7] = std::numeric_limits<double>::quiet_NaN();
    operations().NormBackward(test.options, weights, dout, clean.normed, clean.scale, dx, /*add=*/false);
    x[1][7] = std::numeric_limits<double>::quiet_NaN();
    const at::Tensor out = Run(test, weights, x).out;
    for (const at::Tensor& result : {out, dx}) {
      EXPECT_TRUE(result[1].isnan().all().item<bool>()) << test.name;
      EXPECT_FALSE(result[0].isnan().any().item<bool>() || result[2].isnan().any().item<bool>()) << test.name;
    }
  }
}

HEADSCOPE_TEST_ALL_OPERATIONS(NormOperationTest);

}  // namespace
}  // namespace headscope::worker
