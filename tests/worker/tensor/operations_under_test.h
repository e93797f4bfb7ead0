// What the tests of the operations share: every table of operations, random tensors, and comparison with float64.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

struct OperationsUnderTest {
  std::string name;
  std::unique_ptr<Operations> (*make)();
};
std::ostream& operator<<(std::ostream& out, const OperationsUnderTest& table);

// All tables that this processor can run. A new table is one line there.
std::vector<OperationsUnderTest> AllOperations();
// Those in float32, which take weights of bfloat16 too.
std::vector<OperationsUnderTest> Float32Operations();

// Bounds on the largest difference from float64 arithmetic, as shares of the largest magnitude of the result. Products
// are sums of many terms, whose rounding errors add up. A table in float64 is held to kFloat64Share of them.
constexpr double kElementwiseBound = 2e-6;
constexpr double kProductBound = 1e-5;
// The same rows computed alone and in a batch: products may take their sums in another order.
constexpr double kPackingBound = 1e-6;
// Where a factor that only the operation sees is rounded to bfloat16.
constexpr double kBfloat16Bound = 1e-2;
constexpr double kFloat64Share = 1e-6;

// While a test runs, the default dtype of new tensors is the table's.
class OperationsTest : public ::testing::TestWithParam<OperationsUnderTest> {
 protected:
  OperationsTest();
  ~OperationsTest() override;
  Operations& operations() { return *operations_; }

 private:
  std::unique_ptr<Operations> operations_;
};

// Runs the tests of a suite, a class derived from OperationsTest, for every table.
#define HEADSCOPE_TEST_OPERATIONS(suite, tables)    \
  INSTANTIATE_TEST_SUITE_P(                         \
      Tables, suite, ::testing::ValuesIn(tables()), \
      [](const ::testing::TestParamInfo<OperationsUnderTest>& table) { return table.param.name; })
#define HEADSCOPE_TEST_ALL_OPERATIONS(suite) HEADSCOPE_TEST_OPERATIONS(suite, AllOperations)

// Normally distributed numbers of float32 in the default dtype; the same for the same seed and sizes.
at::Tensor Normal(std::vector<std::int64_t> sizes, std::uint64_t seed);
// Full of NaN: what an operation must overwrite.
at::Tensor Unwritten(std::vector<std::int64_t> sizes);
// A float64 copy, with gradients to be asked for.
at::Tensor Variable(const at::Tensor& x);
at::Tensor Wide(const at::Tensor& x);

double LargestMagnitude(const at::Tensor& x);

// |actual - expected| <= bound * max(max |expected|, magnitude), and every number finite. `magnitude` is for results
// that may be exactly 0 by cancellation of terms of that size.
void ExpectNear(const at::Tensor& actual, const at::Tensor& expected, double bound, const std::string& what,
                double magnitude = 0.0);

}  // namespace headscope::worker
