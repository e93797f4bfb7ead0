#include "worker/tensor/cpu/packed_product_rate.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

namespace headscope::worker {
namespace {

using dnnl::memory;

bool HasBFloat16Products() {
  constexpr auto kNeeded = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & kNeeded) == kNeeded;
}

// All ones: the speed does not depend on the values, but on denormal numbers it would.
memory Ones(const memory::desc& layout, const dnnl::engine& cpu, dnnl::stream& stream) {
  const memory::desc plain(layout.dims(), memory::data_type::f32, memory::format_tag::ab);
  memory ones(plain, cpu);
  float* values = static_cast<float*>(ones.get_data_handle());
  std::fill_n(values, layout.dims()[0] * layout.dims()[1], 1.0F);
  memory result(layout, cpu);
  dnnl::reorder(ones, result).execute(stream, ones, result);
  stream.wait();
  return result;
}

}  // namespace

std::optional<double> PackedProductSeconds(const ProductShape& shape, bool bfloat16, int repeats) {
  if (bfloat16 && !HasBFloat16Products()) return std::nullopt;
  const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(cpu);
  const auto type = bfloat16 ? memory::data_type::bf16 : memory::data_type::f32;
  const dnnl::matmul::primitive_desc product(
      dnnl::matmul::desc(memory::desc({shape.rows, shape.inner}, type, memory::format_tag::ab),
                         memory::desc({shape.inner, shape.columns}, type, memory::format_tag::any),
                         memory::desc({shape.rows, shape.columns}, memory::data_type::f32, memory::format_tag::ab)),
      cpu);
  std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, Ones(product.src_desc(), cpu, stream)},
                                               {DNNL_ARG_WEIGHTS, Ones(product.weights_desc(), cpu, stream)},
                                               {DNNL_ARG_DST, memory(product.dst_desc(), cpu)}};
  const dnnl::matmul multiply(product);
  double least = std::numeric_limits<double>::infinity();
  // The first one warms up.
  for (int repeat = 0; repeat <= repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    multiply.execute(stream, arguments);
    stream.wait();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (repeat > 0) least = std::min(least, seconds);
  }
  return least;
}

}  // namespace headscope::worker
