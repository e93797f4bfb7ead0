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
      {"torch", [] { return MakeTorchOperations(at::kCPU, at::kFloat); }},
      {"torch_float64", [] { return MakeTorchOperations(at::kCPU, at::kDouble); }},
#ifdef HEADSCOPE_WITH_ONEDNN
      {"cpu", [] { return MakeCpuOperations(); }},
      {"cpu_float64", [] { return MakeCpuFloat64Operations(/*pack=*/true); }},
      {"cpu_float64_unpacked", [] { return MakeCpuFloat64Operations(/*pack=*/false); }},
#endif
  };
}

std::vector<OperationsUnderTest> Float32Operations() {
  std::vector<OperationsUnderTest> tables = AllOperations();
  std::erase_if(tables, [](const OperationsUnderTest& table) { return table.make()->type() != at::kFloat; });
  return tables;
}

OperationsTest::OperationsTest() : operations_(GetParam().make()) {
  at::set_default_dtype(at::scalarTypeToTypeMeta(operations_->type()));
}

OperationsTest::~OperationsTest() { at::set_default_dtype(at::scalarTypeToTypeMeta(at::kFloat)); }

at::Tensor Normal(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  const at::Tensor numbers = at::randn(sizes, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kFloat));
  return numbers.to(at::get_default_dtype_as_scalartype());
}

at::Tensor Unwritten(std::vector<std::int64_t> sizes) {
  return at::full(sizes, std::numeric_limits<double>::quiet_NaN(), at::get_default_dtype_as_scalartype());
}

at::Tensor Wide(const at::Tensor& x) { return x.defined() ? x.to(at::kDouble) : x; }

at::Tensor Variable(const at::Tensor& x) { return Wide(x).clone().set_requires_grad(true); }

double LargestMagnitude(const at::Tensor& x) { return x.detach().abs().max().item<double>(); }

void ExpectNear(const at::Tensor& actual, const at::Tensor& expected, double bound, const std::string& what,
                double magnitude) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  if (actual.numel() == 0) return;
  ASSERT_TRUE(actual.isfinite().all().item<bool>()) << what << " holds numbers that are not finite";
  if (at::get_default_dtype_as_scalartype() == at::kDouble) bound *= kFloat64Share;
  const double largest = std::max(LargestMagnitude(expected), magnitude);
  EXPECT_LE(LargestMagnitude(Wide(actual) - expected), bound * largest) << what << ": largest magnitude " << largest;
}

}  // namespace headscope::worker
