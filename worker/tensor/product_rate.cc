#include "worker/tensor/product_rate.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <ATen/ATen.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_guard.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kSide = 512;
// Reference BLAS reaches 1 to 3, one core with OpenBLAS 40 and more.
constexpr double kSlowGflops = 6;

double TimeProduct(const at::Tensor& a, const at::Tensor& b) {
  const auto start = std::chrono::steady_clock::now();
  const at::Tensor product = at::mm(a, b);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return 2.0 * kSide * kSide * kSide / seconds / 1e9;
}

// Waits for the device: its work is queued.
void Finish(const at::Tensor& result) { (void)result.select(0, 0).select(0, 0).item(); }

}  // namespace

absl::StatusOr<double> TorchProductSeconds(const ProductShape& shape, bool bfloat16, const std::string& device,
                                           int repeats) {
  const absl::StatusOr<at::Device> place = ParseDevice(device);
  if (!place.ok()) return place.status();
  return TorchGuard("measuring matrix products", [&]() -> absl::StatusOr<double> {
    const GradMode no_graph(false);
    const auto options = at::TensorOptions(bfloat16 ? at::kBFloat16 : at::kFloat).device(*place);
    const at::Tensor a = at::ones({shape.rows, shape.inner}, options);
    const at::Tensor b = at::ones({shape.inner, shape.columns}, options);
    double least = std::numeric_limits<double>::infinity();
    // The first one warms up.
    for (int repeat = 0; repeat <= repeats; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      Finish(at::mm(a, b));
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (repeat > 0) least = std::min(least, seconds);
    }
    return least;
  });
}

double MeasureProductRate() {
  const absl::StatusOr<double> rate = TorchGuard("measuring matrix products", []() -> absl::StatusOr<double> {
    const GradMode no_graph(false);
    const at::Tensor a = at::ones({kSide, kSide}), b = at::ones({kSide, kSide});
    double best = 0;
    for (int repeat = 0; repeat < 3; ++repeat) best = std::max(best, TimeProduct(a, b));
    return best;
  });
  return rate.ok() ? *rate : 0.0;
}

std::string SlowProductsHint(double gflops) {
  if (gflops >= kSlowGflops) return "";
  return absl::StrCat("matrix products run at ", gflops,
                      " GFLOP/s: LibTorch is using a slow BLAS. On Debian install libopenblas0-openmp (the variant "
                      "whose threads --threads governs) and start again.");
}

}  // namespace headscope::worker
