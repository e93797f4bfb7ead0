#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/tensor/operations_under_test.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

class LinearOperationTest : public OperationsTest {
 protected:
  // Forward and reverse of `rows` rows with and without `add`, against float64 on `x` and `dout` rounded as the weight.
  void ExpectProducts(const at::Tensor& weight, const at::Tensor& bias, std::int64_t rows, const std::string& what) {
    const std::unique_ptr<LinearOperation> linear = operations().PrepareLinear(weight, bias);
    const at::Tensor x = Normal({rows, weight.size(1)}, 1), dout = Normal({rows, weight.size(0)}, 2);
    const at::Tensor variable = Variable(x.to(weight.scalar_type()));
    const at::Tensor expected = at::linear(variable, Wide(weight), Wide(bias));
    const at::Tensor gradient = Gradients({expected}, {variable}, {Wide(dout.to(weight.scalar_type()))})[0];

    const at::Tensor out = Unwritten({rows, weight.size(0)}), dx = Unwritten({rows, weight.size(1)});
    linear->Forward(x, out, /*add=*/false);
    linear->BackwardToData(dout, dx, /*add=*/false);
    ExpectNear(out, expected, kProductBound, what + " forward");
    ExpectNear(dx, gradient, kProductBound, what + " backward");

    const at::Tensor before = Normal({rows, weight.size(0)}, 3), dbefore = Normal({rows, weight.size(1)}, 4);
    const at::Tensor sum = before.clone(), dsum = dbefore.clone();
    linear->Forward(x, sum, /*add=*/true);
    linear->BackwardToData(dout, dsum, /*add=*/true);
    ExpectNear(sum, expected + before, kProductBound, what + " forward, added");
    ExpectNear(dsum, gradient + dbefore, kProductBound, what + " backward, added");
  }

  void ExpectNanInItsRowOnly(at::ScalarType type) {
    const std::unique_ptr<LinearOperation> linear =
        operations().PrepareLinear(Normal({24, 20}, 11).to(type), at::Tensor());
    const at::Tensor x = Normal({3, 20}, 1), dout = Normal({3, 24}, 2);
    x[1][7] = std::numeric_limits<double>::quiet_NaN();
    dout[1][7] = std::numeric_limits<double>::quiet_NaN();
    const at::Tensor out = at::zeros({3, 24}), dx = at::zeros({3, 20});
    linear->Forward(x, out, /*add=*/false);
    linear->BackwardToData(dout, dx, /*add=*/false);
    EXPECT_TRUE(out[1].isnan().all().item<bool>());
    EXPECT_TRUE(dx[1].isnan().all().item<bool>());
    EXPECT_FALSE(out[0].isnan().any().item<bool>() || out[2].isnan().any().item<bool>());
    EXPECT_FALSE(dx[0].isnan().any().item<bool>() || dx[2].isnan().any().item<bool>());
  }
};

class Bfloat16LinearOperationTest : public LinearOperationTest {};

struct Shape {
  std::int64_t rows, in, out;
};
std::string Text(const Shape& shape) {
  return std::to_string(shape.rows) + " x " + std::to_string(shape.in) + " -> " + std::to_string(shape.out);
}
const Shape kShapes[] = {{1, 6, 5}, {1, 80, 1}, {2, 20, 80}, {60, 80, 20}, {60, 1, 7}, {480, 64, 33}, {2100, 12, 6}};

TEST_P(LinearOperationTest, MultipliesByTheWeightAndItsTranspose) {
  for (const Shape& shape : kShapes) {
    const at::Tensor weight = Normal({shape.out, shape.in}, 11).to(at::kFloat);
    ExpectProducts(weight, at::Tensor(), shape.rows, Text(shape));
    ExpectProducts(weight, Normal({shape.out}, 12), shape.rows, Text(shape) + " with bias");
  }
}

TEST_P(LinearOperationTest, TransposedViewsServeAsWeights) {
  for (const Shape& shape : kShapes) {
    ExpectProducts(Normal({shape.in, shape.out}, 11).to(at::kFloat).t(), Normal({shape.out}, 12), shape.rows,
                   Text(shape));
    ExpectProducts(Normal({shape.in, 3 * shape.out}, 11).to(at::kFloat).t().narrow(0, shape.out, shape.out),
                   at::Tensor(), shape.rows, Text(shape) + " of a part");
  }
}

TEST_P(Bfloat16LinearOperationTest, WeightsMultiplyRoundedRowsInFloat32) {
  for (const Shape& shape : kShapes) {
    const at::Tensor weight = Normal({shape.out, shape.in}, 11).to(at::kBFloat16);
    const at::Tensor bias = Normal({shape.out}, 12).to(at::kBFloat16);
    ExpectProducts(weight, at::Tensor(), shape.rows, Text(shape));
    ExpectProducts(weight, bias, shape.rows, Text(shape) + " with bias");
    ExpectProducts(weight.t().contiguous().t(), bias, shape.rows, Text(shape) + " transposed");
  }
}

TEST_P(Bfloat16LinearOperationTest, LargeWeightsAreWidenedInSlices) {
  ExpectProducts(Normal({9000, 1000}, 11).to(at::kBFloat16), Normal({9000}, 12).to(at::kBFloat16), 3, "9 M elements");
}

TEST_P(LinearOperationTest, OnePreparedWeightServesAnyNumberOfRows) {
  const at::Tensor weight = Normal({24, 20}, 11).to(at::kFloat), x = Normal({75, 20}, 1);
  const std::unique_ptr<LinearOperation> linear = operations().PrepareLinear(weight, at::Tensor());
  const at::Tensor all = Unwritten({75, 24});
  linear->Forward(x, all, /*add=*/false);
  for (std::int64_t first = 0, rows = 1; first < 75; first += rows, rows = std::min(2 * rows, 75 - first)) {
    const at::Tensor some = Unwritten({rows, 24});
    linear->Forward(x.narrow(0, first, rows).contiguous(), some, /*add=*/false);
    ExpectNear(some, Wide(all.narrow(0, first, rows)), kPackingBound, std::to_string(rows) + " rows");
  }
}

TEST_P(LinearOperationTest, NanReachesItsRowOnly) { ExpectNanInItsRowOnly(at::kFloat); }
TEST_P(Bfloat16LinearOperationTest, NanReachesItsRowOnly) { ExpectNanInItsRowOnly(at::kBFloat16); }

HEADSCOPE_TEST_ALL_OPERATIONS(LinearOperationTest);
HEADSCOPE_TEST_OPERATIONS(Bfloat16LinearOperationTest, Float32Operations);

}  // namespace
}  // namespace headscope::worker
