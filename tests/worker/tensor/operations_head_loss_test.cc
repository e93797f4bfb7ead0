#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/tensor/operations_under_test.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

struct Case {
  std::string name;
  std::int64_t rows, width, vocabulary;
  bool bias = false;
  std::optional<double> soft_cap = std::nullopt;
  at::ScalarType type = at::kFloat;
};

std::vector<Case> Cases() {
  return {
      {"one row", 1, 20, 33},
      {"one word", 3, 6, 1},
      {"two words", 60, 6, 2},
      {"a bias", 7, 80, 501, true},
      {"a soft cap", 7, 80, 501, false, 3.0},
      {"a soft cap and a bias", 60, 20, 4099, true, 5.0},
      {"a vocabulary of 50,257", 180, 16, 50257},
      {"few rows of a large vocabulary", 3, 12, 300001, true},
      {"a large vocabulary with a soft cap", 15, 8, 300001, false, 4.0},
      {"2100 rows", 2100, 12, 65},
  };
}

HeadLossInput Draw(const Case& test) {
  HeadLossInput input;
  input.weight = Normal({test.vocabulary, test.width}, 1).to(test.type);
  if (test.bias) input.bias = Normal({test.vocabulary}, 2).to(test.type);
  input.soft_cap = test.soft_cap;
  // Exact in bfloat16 too, so that only the gradient's factors are rounded there.
  const at::Tensor rows = Normal({test.rows, test.width}, 3);
  input.rows = rows.to(at::kBFloat16).to(rows.scalar_type());
  const at::Tensor seeds = Normal({test.rows}, 4);
  for (std::int64_t row = 0; row < test.rows; ++row) {
    // First, last and others.
    input.targets.push_back(row % 3 == 0 ? test.vocabulary - 1 : (row * 7919) % test.vocabulary);
    input.seeds.push_back(seeds[row].item<double>());
  }
  return input;
}

struct Expected {
  at::Tensor losses, gradient;
};

Expected ExpectedLoss(const HeadLossInput& input) {
  const at::Tensor rows = Variable(input.rows);
  at::Tensor logits = at::linear(rows, Wide(input.weight), Wide(input.bias));
  if (input.soft_cap.has_value()) logits = SoftCap(logits, *input.soft_cap);
  const at::Tensor targets = at::tensor(input.targets, at::kLong).unsqueeze(-1);
  const at::Tensor losses = logits.logsumexp(-1) - logits.gather(1, targets).squeeze(-1);
  const at::Tensor seeds = at::tensor(input.seeds, at::kDouble);
  return {losses.detach(), Gradients({losses}, {rows}, {seeds})[0]};
}

at::Tensor AsTensor(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

class HeadLossOperationTest : public OperationsTest {};
class Bfloat16HeadLossOperationTest : public OperationsTest {};

TEST_P(HeadLossOperationTest, LossesAndGradientEqualAutograd) {
  for (const Case& test : Cases()) {
    const HeadLossInput input = Draw(test);
    const Expected expected = ExpectedLoss(input);
    const at::Tensor gradient = Unwritten({test.rows, test.width});
    const std::vector<double> losses = operations().HeadLoss(input, gradient);
    if (test.vocabulary == 1) {
      EXPECT_EQ(gradient.abs().max().item<double>(), 0.0);
      EXPECT_EQ(AsTensor(losses).abs().max().item<double>(), 0.0);
      continue;
    }
    ExpectNear(AsTensor(losses), expected.losses, kElementwiseBound, test.name + ", losses");
    ExpectNear(gradient, expected.gradient, kProductBound, test.name + ", gradient");
  }
}

TEST_P(Bfloat16HeadLossOperationTest, WeightsKeepTheLossesAndRoundOneFactorOfTheGradient) {
  for (Case test : Cases()) {
    if (test.vocabulary == 1) continue;
    test.type = at::kBFloat16;
    const HeadLossInput input = Draw(test);
    const Expected expected = ExpectedLoss(input);
    const at::Tensor gradient = Unwritten({test.rows, test.width});
    const std::vector<double> losses = operations().HeadLoss(input, gradient);
    ExpectNear(AsTensor(losses), expected.losses, kElementwiseBound, test.name + ", losses");
    ExpectNear(gradient, expected.gradient, kBfloat16Bound, test.name + ", gradient");
  }
}

// 1 - probability of a word that is all but certain has no digits in bfloat16; the gradient keeps its own.
TEST_P(Bfloat16HeadLossOperationTest, GradientsOfCertainWordsKeepTheirDigits) {
  Case test = {"certain", 15, 15, 200};
  test.type = at::kBFloat16;
  HeadLossInput input = Draw(test);
  // Every row is made for one word.
  input.rows = at::eye(15) * 2.0;
  input.weight.narrow(0, 0, 15).copy_(at::eye(15) * 7.0);
  for (std::int64_t row = 0; row < test.rows; ++row) input.targets[row] = row;
  input.seeds.assign(15, 1.0);
  const Expected expected = ExpectedLoss(input);
  ASSERT_LT(expected.losses.max().item<double>(), 0.01);
  const at::Tensor gradient = Unwritten({15, test.width});
  operations().HeadLoss(input, gradient);
  ExpectNear(gradient, expected.gradient, kBfloat16Bound, test.name);
}

TEST_P(HeadLossOperationTest, GradientMayReplaceTheRowsOrBeLeftOut) {
  for (const Case& test : Cases()) {
    HeadLossInput input = Draw(test);
    const at::Tensor gradient = Unwritten({test.rows, test.width});
    const std::vector<double> losses = operations().HeadLoss(input, gradient);
    EXPECT_EQ(operations().HeadLoss(input, at::Tensor()), losses) << test.name;
    EXPECT_EQ(operations().HeadLoss(input, input.rows), losses) << test.name;
    EXPECT_TRUE(input.rows.equal(gradient)) << test.name;
  }
}

TEST_P(HeadLossOperationTest, EveryRowAloneGivesTheSame) {
  const Case test = {"seven rows", 7, 80, 4099, true, 5.0};
  const HeadLossInput input = Draw(test);
  const at::Tensor gradient = Unwritten({test.rows, test.width});
  const std::vector<double> losses = operations().HeadLoss(input, gradient);
  for (std::int64_t row = 0; row < test.rows; ++row) {
    HeadLossInput alone = input;
    alone.rows = input.rows.narrow(0, row, 1).contiguous();
    alone.targets = {input.targets[row]};
    alone.seeds = {input.seeds[row]};
    const at::Tensor alone_gradient = Unwritten({1, test.width});
    const std::vector<double> loss = operations().HeadLoss(alone, alone_gradient);
    EXPECT_NEAR(loss[0], losses[row], kPackingBound * losses[row]);
    // Of one row and of seven, oneDNN sums thousands of words in different orders.
    ExpectNear(alone_gradient, Wide(gradient.narrow(0, row, 1)), kProductBound, "row " + std::to_string(row));
  }
}

TEST_P(HeadLossOperationTest, ExtremeLogitsStayFinite) {
  HeadLossInput input = Draw({"extreme", 2, 4, 50});
  input.rows = input.rows * 1e3;
  const Expected expected = ExpectedLoss(input);
  const at::Tensor gradient = Unwritten({2, 4});
  const std::vector<double> losses = operations().HeadLoss(input, gradient);
  ExpectNear(AsTensor(losses), expected.losses, kElementwiseBound, "losses");
  ExpectNear(gradient, expected.gradient, kProductBound, "gradient");
}

TEST_P(HeadLossOperationTest, NoRowsHaveNoLosses) {
  HeadLossInput input = Draw({"no rows", 0, 4, 50});
  EXPECT_TRUE(operations().HeadLoss(input, at::empty({0, 4})).empty());
}

TEST_P(HeadLossOperationTest, NanReachesItsRowOnly) {
  HeadLossInput input = Draw({"three rows", 3, 20, 65});
  input.rows[1][7] = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor gradient = at::zeros({3, 20});
  const at::Tensor losses = AsTensor(operations().HeadLoss(input, gradient));
  EXPECT_TRUE(losses[1].isnan().item<bool>() && gradient[1].isnan().all().item<bool>());
  EXPECT_EQ(losses.isnan().sum().item<std::int64_t>(), 1);
  EXPECT_EQ(gradient.isnan().sum().item<std::int64_t>(), 20);
}

TEST_P(HeadLossOperationTest, TargetsOutsideTheVocabularyThrow) {
  HeadLossInput input = Draw({"two rows", 2, 4, 50});
  for (const std::int64_t target : {std::int64_t{-1}, std::int64_t{50}}) {
    input.targets[1] = target;
    EXPECT_ANY_THROW(operations().HeadLoss(input, at::empty({2, 4})));
  }
}

HEADSCOPE_TEST_ALL_OPERATIONS(HeadLossOperationTest);
HEADSCOPE_TEST_OPERATIONS(Bfloat16HeadLossOperationTest, Float32Operations);

}  // namespace
}  // namespace headscope::worker
