// Everything in which LibTorch 1.13 (Debian 12, CPU) and LibTorch 2.x (CUDA) differ or may come to differ. The rest of
// the engine calls ATen operations that both have, and these.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"

namespace headscope::worker {

// The text of a LibTorch error without its stack trace; of any other exception, what it says.
std::string ShortErrorText(const std::exception& error);

// "cpu" or "cuda:N" (also "cuda", which is "cuda:0") as a device that this process can use. INVALID_ARGUMENT for other
// texts, FAILED_PRECONDITION when there is no such device.
absl::StatusOr<at::Device> ParseDevice(const std::string& name);

// Gradients of sum_i <outputs[i], output_gradients[i]> with respect to `inputs`, whose graph is freed. An input that
// no output depends on gets zeros. Throws.
std::vector<at::Tensor> Gradients(const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& inputs,
                                  const std::vector<at::Tensor>& output_gradients);

// Whether this LibTorch has fused attention: 2.1 and later.
bool HasFusedAttention();
// softmax(scale q k^T, later keys hidden) v for q, k, v [1, heads, n, d], differentiable, by the fused kernel that
// LibTorch takes for the device and dtype. Throws where HasFusedAttention is false.
at::Tensor FusedCausalAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale);

// Records (true) or does not record (false) a graph while it lives, on the calling thread.
class GradMode {
 public:
  explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool previous_;
};

}  // namespace headscope::worker
