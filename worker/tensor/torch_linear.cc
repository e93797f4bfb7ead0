#include "worker/tensor/torch_linear.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

// Elements of a weight that are widened at a time: 32 MiB in float32.
constexpr std::int64_t kWideElements = std::int64_t{8} << 20;

// target [m, n] = a [m, k] b [k, n], added to what it holds with `add`. What it holds is not read without.
void Product(at::Tensor target, const at::Tensor& a, const at::Tensor& b, bool add) {
  target.addmm_(a, b, /*beta=*/add ? 1 : 0);
}

// The same in the dtype of `b`, for a device that multiplies it natively.
void NarrowProduct(at::Tensor target, const at::Tensor& a, const at::Tensor& b, bool add) {
  const at::Tensor product = at::mm(a.to(b.scalar_type()), b);
  if (add) {
    target.add_(product);
  } else {
    target.copy_(product);
  }
}

// x, rounded to bfloat16 first where the weight is.
at::Tensor RoundedAs(const at::Tensor& weight, const at::Tensor& x) {
  return weight.scalar_type() == at::kBFloat16 ? x.to(at::kBFloat16).to(x.scalar_type()) : x;
}

// Calls visit(first, rows, wide) for slices of rows of weight [out, in], widened to `type`.
template <typename Visit>
void ForEachWideSlice(const at::Tensor& weight, at::ScalarType type, const Visit& visit) {
  const std::int64_t total = weight.size(0);
  const std::int64_t step = std::max<std::int64_t>(1, kWideElements / std::max<std::int64_t>(1, weight.size(1)));
  for (std::int64_t first = 0; first < total; first += step) {
    const std::int64_t rows = std::min(step, total - first);
    visit(first, rows, weight.narrow(0, first, rows).to(type));
  }
}

}  // namespace

TorchLinear::TorchLinear(const at::Tensor& weight, const at::Tensor& bias) : weight_(weight), bias_(bias) {
  const at::ScalarType type = weight.scalar_type();
  TORCH_CHECK(type == at::kFloat || type == at::kBFloat16, "a weight is float32 or bfloat16, this one is ", type);
  TORCH_CHECK(weight.dim() == 2, "a weight has 2 dimensions, this one ", weight.dim());
}

void TorchLinear::Forward(const at::Tensor& x, const at::Tensor& out, bool add) {
  const GradMode no_graph(false);
  if (x.scalar_type() == weight_.scalar_type()) {
    Product(out, x, weight_.t(), add);
  } else if (weight_.scalar_type() == at::kBFloat16 && !weight_.is_cpu()) {
    NarrowProduct(out, x, weight_.t(), add);
  } else {
    const at::Tensor rounded = RoundedAs(weight_, x);
    ForEachWideSlice(weight_, x.scalar_type(), [&](std::int64_t first, std::int64_t rows, const at::Tensor& wide) {
      Product(out.narrow(1, first, rows), rounded, wide.t(), add);
    });
  }
  if (bias_.defined()) out.add_(bias_);
}

void TorchLinear::BackwardToData(const at::Tensor& dout, const at::Tensor& dx, bool add) {
  const GradMode no_graph(false);
  if (dout.scalar_type() == weight_.scalar_type()) {
    Product(dx, dout, weight_, add);
  } else if (weight_.scalar_type() == at::kBFloat16 && !weight_.is_cpu()) {
    NarrowProduct(dx, dout, weight_, add);
  } else {
    const at::Tensor rounded = RoundedAs(weight_, dout);
    ForEachWideSlice(weight_, dout.scalar_type(), [&](std::int64_t first, std::int64_t rows, const at::Tensor& wide) {
      Product(dx, rounded.narrow(1, first, rows), wide, add || first > 0);
    });
  }
}

}  // namespace headscope::worker
