#include "worker/tensor/torch_compat.h"

#include <limits>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

// Devices of `type` that this process sees. The device guard's interface is the one place that both versions share and
// that answers without CUDA headers.
int DeviceCount(c10::DeviceType type) {
  if (!c10::impl::hasDeviceGuardImpl(type)) return 0;
  return static_cast<int>(c10::impl::getDeviceGuardImpl(type)->deviceCount());
}

}  // namespace

std::string ShortErrorText(const std::exception& error) {
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) return torch_error->what_without_backtrace();
  return error.what();
}

absl::StatusOr<at::Device> ParseDevice(const std::string& name) {
  if (name == "cpu") return at::Device(at::kCPU);
  int index = 0;
  const bool is_cuda = name == "cuda" || (name.rfind("cuda:", 0) == 0 && absl::SimpleAtoi(name.substr(5), &index));
  if (!is_cuda || index < 0 || index > std::numeric_limits<std::int8_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("device \"", name, "\" is not \"cpu\" or \"cuda:N\""));
  }
  const int count = DeviceCount(at::kCUDA);
  if (index >= count) {
    return absl::FailedPreconditionError(absl::StrCat("device \"", name, "\" is not there: LibTorch ", TORCH_VERSION,
                                                      " of this process sees ", count, " CUDA devices"));
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

std::vector<at::Tensor> Gradients(const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& inputs,
                                  const std::vector<at::Tensor>& output_gradients) {
  std::vector<at::Tensor> gradients = torch::autograd::grad(outputs, inputs, output_gradients, /*retain_graph=*/false,
                                                            /*create_graph=*/false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) gradients[i] = at::zeros_like(inputs[i]);
  }
  return gradients;
}

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
bool HasFusedAttention() { return true; }
at::Tensor FusedCausalAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  return at::scaled_dot_product_attention(q, k, v, /*attn_mask=*/{}, /*dropout_p=*/0.0, /*is_causal=*/true, scale);
}
#else
bool HasFusedAttention() { return false; }
at::Tensor FusedCausalAttention(const at::Tensor&, const at::Tensor&, const at::Tensor&, double) {
  TORCH_CHECK(false, "fused attention needs LibTorch 2.1 or later, this is ", TORCH_VERSION);
}
#endif

GradMode::GradMode(bool enabled) : previous_(c10::GradMode::is_enabled()) { c10::GradMode::set_enabled(enabled); }
GradMode::~GradMode() { c10::GradMode::set_enabled(previous_); }

void SetComputeThreads(int threads) { at::set_num_threads(threads < 1 ? 1 : threads); }
int ComputeThreads() { return at::get_num_threads(); }
std::string TorchVersion() { return TORCH_VERSION; }
absl::Status CheckDevice(const std::string& device) { return ParseDevice(device).status(); }

}  // namespace headscope::worker
