#include "tests/worker/tensor/operations_under_test.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "worker/tensor/torch_operations.h"

#ifdef HEADSCOPE_WITH_ONEDNN
#include "worker/tensor/cpu/cpu_operations.h"
#endif

namespace headscope::worker {

std::ostream& operator<<(std::ostream& out, const OperationsUnderTest& table) { return out << table.name; }

std::vector<OperationsUnderTest> AllOperations() {
  return {
      {"torch", [] { return MakeTorchOperations(at::kCPU); }},
#ifdef HEADSCOPE_WITH_ONEDNN
      {"cpu", [] { return MakeCpuOperations(); }},
#endif
  };
}

at::Tensor Normal(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  return at::randn(sizes, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kFloat));
}

at::Tensor Unwritten(std::vector<std::int64_t> sizes) {
  return at::full(sizes, std::numeric_limits<double>::quiet_NaN(), at::TensorOptions(at::kFloat));
}

at::Tensor Wide(const at::Tensor& x) { return x.defined() ? x.to(at::kDouble) : x; }

at::Tensor Variable(const at::Tensor& x) { return Wide(x).clone().set_requires_grad(true); }

double LargestMagnitude(const at::Tensor& x) { return x.detach().abs().max().item<double>(); }

void ExpectNear(const at::Tensor& actual, const at::Tensor& expected, double bound, const std::string& what,
                double magnitude) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  if (actual.numel() == 0) return;
  ASSERT_TRUE(actual.isfinite().all().item<bool>()) << what << " holds numbers that are not finite";
  const double largest = std::max(LargestMagnitude(expected), magnitude);
  EXPECT_LE(LargestMagnitude(Wide(actual) - expected), bound * largest) << what << ": largest magnitude " << largest;
}

}  // namespace headscope::worker
