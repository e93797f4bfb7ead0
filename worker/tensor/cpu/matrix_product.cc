#include "worker/tensor/cpu/matrix_product.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include <ATen/ATen.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "worker/tensor/cpu/kernel_table.h"
#include "worker/tensor/cpu/parallel_tiles.h"
#include "worker/tensor/cpu/thread_scratch.h"

namespace headscope::worker {
namespace {

using dnnl::memory;

// Rows for which a packed layout is asked: the batches that matter have as many.
constexpr std::int64_t kTypicalRows = 256;

const dnnl::engine& Cpu() {
  static const auto& engine = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// oneDNN multiplies bfloat16 numbers on processors with AVX-512 only; elsewhere the rounded numbers are multiplied in
// float32, which gives the same up to the order of sums.
bool HasBFloat16Products() {
  static const bool has =
      (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
      static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return has;
}

memory::data_type TypeOf(bool bfloat16) { return bfloat16 ? memory::data_type::bf16 : memory::data_type::f32; }

memory::desc PlainLayout(const at::Tensor& matrix, bool bfloat16) {
  return memory::desc({matrix.size(0), matrix.size(1)}, TypeOf(bfloat16), {matrix.stride(0), matrix.stride(1)});
}

dnnl::matmul::primitive_desc Describe(std::int64_t rows, const memory::desc& factor, bool bfloat16,
                                      std::int64_t a_stride, std::int64_t c_stride, bool bias, bool add) {
  const std::int64_t inner = factor.dims()[0], columns = factor.dims()[1];
  const memory::desc a({rows, inner}, TypeOf(bfloat16), {a_stride, 1});
  const memory::desc c({rows, columns}, memory::data_type::f32, {c_stride, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // one primitive serves many threads at a time
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0F);
    attributes.set_post_ops(sum);
  }
  if (!bias) return {{a, factor, c}, attributes, Cpu()};
  const memory::desc row({1, columns}, memory::data_type::f32, memory::format_tag::ab);
  return {{a, factor, row, c}, attributes, Cpu()};
}

// The layout that products with a right factor [inner, columns] like best, where it is not a plain one.
std::optional<memory::desc> BestLayout(std::int64_t inner, std::int64_t columns, bool bfloat16) {
  if (bfloat16 && !HasBFloat16Products()) return std::nullopt;
  const memory::desc any({inner, columns}, TypeOf(bfloat16), memory::format_tag::any);
  const memory::desc best = Describe(kTypicalRows, any, bfloat16, inner, columns, false, false).weights_desc();
  if (best.data.format_kind == dnnl_blocked && best.data.format_desc.blocking.inner_nblks == 0) return std::nullopt;
  return best;
}

std::int64_t RoundUp(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

}  // namespace

struct RightFactor::Packed {
  memory values;
};

RightFactor::RightFactor(at::Tensor matrix) : matrix_(std::move(matrix)) {
  if (matrix_.stride(0) != 1 && matrix_.stride(1) != 1) matrix_ = matrix_.contiguous();
}

std::int64_t RightFactor::PackedBytes(std::int64_t inner, std::int64_t columns, bool bfloat16) {
  const std::optional<memory::desc> best = BestLayout(inner, columns, bfloat16);
  return best.has_value() ? static_cast<std::int64_t>(best->get_size()) : 0;
}

std::int64_t RightFactor::Pack(std::int64_t bytes) {
  const bool bfloat16 = matrix_.scalar_type() == at::kBFloat16;
  const std::optional<memory::desc> best = BestLayout(inner(), columns(), bfloat16);
  if (!best.has_value() || static_cast<std::int64_t>(best->get_size()) > bytes) return 0;
  auto packed = std::make_shared<Packed>(Packed{memory(*best, Cpu())});
  memory from(PlainLayout(matrix_, bfloat16), Cpu(), matrix_.data_ptr());
  dnnl::stream stream(Cpu());
  dnnl::reorder(from, packed->values).execute(stream, from, packed->values);
  stream.wait();
  packed_ = std::move(packed);
  return static_cast<std::int64_t>(best->get_size());
}

struct TileProduct::Impl {
  RightFactor factor;
  std::int64_t rows = 0, a_stride = 0, c_stride = 0;
  const float* bias = nullptr;
  // A is rounded, into scratch; and multiplied as what it is then, or widened again.
  bool rounded = false, widened = false;
  at::Tensor wide;  // B in float32, where it is widened
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  std::int64_t a_bytes = 0;

  memory Right() const {
    if (factor.packed_ != nullptr) return factor.packed_->values;
    const at::Tensor& matrix = wide.defined() ? wide : factor.matrix_;
    return memory(description.weights_desc(), Cpu(), matrix.data_ptr());
  }

  // Of A in bfloat16; A in float32 again lies behind it, aligned.
  std::int64_t NarrowBytes() const { return RoundUp(rows * factor.inner() * 2, 64); }

  // A [rows, K] rounded to bfloat16, contiguous, at `scratch`.
  void Round(const float* a, void* scratch) const {
    const auto& kernels = Kernels<FloatKernels>();
    const std::int64_t inner = factor.inner();
    auto* narrow = static_cast<std::uint16_t*>(scratch);
    for (std::int64_t row = 0; row < rows; ++row) kernels.to_bfloat16(inner, a + row * a_stride, narrow + row * inner);
    if (!widened) return;
    kernels.from_bfloat16(rows * inner, narrow, reinterpret_cast<float*>(static_cast<char*>(scratch) + NarrowBytes()));
  }
};

TileProduct::TileProduct(std::int64_t rows, const RightFactor& factor, std::int64_t a_stride, std::int64_t c_stride,
                         const float* bias, bool add)
    : impl_(new Impl{factor, rows, a_stride, c_stride, bias, false, false, {}, {}, {}, 0}) {
  Impl& impl = *impl_;
  impl.rounded = factor.matrix_.scalar_type() == at::kBFloat16;
  impl.widened = impl.rounded && !HasBFloat16Products();
  if (impl.widened) impl.wide = factor.matrix_.to(at::kFloat);
  const bool bfloat16 = impl.rounded && !impl.widened;
  const memory::desc right = factor.packed_ != nullptr
                                 ? factor.packed_->values.get_desc()
                                 : PlainLayout(impl.widened ? impl.wide : factor.matrix_, bfloat16);
  impl.description =
      Describe(rows, right, bfloat16, impl.rounded ? factor.inner() : a_stride, c_stride, bias != nullptr, add);
  impl.product = dnnl::matmul(impl.description);
  if (impl.rounded) {
    impl.a_bytes = impl.NarrowBytes() + (impl.widened ? RoundUp(rows * factor.inner() * 4, 64) : 0);
  }
}

TileProduct::~TileProduct() = default;

void TileProduct::Run(const float* a, float* c) const {
  const Impl& impl = *impl_;
  const auto scratchpad_bytes = static_cast<std::int64_t>(impl.description.scratchpad_desc().get_size());
  char* scratch = ThreadScratch(impl.a_bytes + scratchpad_bytes);
  const void* left = a;
  if (impl.rounded) {
    impl.Round(a, scratch);
    left = impl.widened ? scratch + impl.NarrowBytes() : scratch;
  }
  thread_local dnnl::stream stream(Cpu());
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, memory(impl.description.src_desc(), Cpu(), const_cast<void*>(left))},
      {DNNL_ARG_WEIGHTS, impl.Right()},
      {DNNL_ARG_DST, memory(impl.description.dst_desc(), Cpu(), c)},
      {DNNL_ARG_SCRATCHPAD, memory(impl.description.scratchpad_desc(), Cpu(), scratch + impl.a_bytes)}};
  if (impl.bias != nullptr) {
    arguments[DNNL_ARG_BIAS] = memory(impl.description.bias_desc(), Cpu(), const_cast<float*>(impl.bias));
  }
  impl.product.execute(stream, arguments);
  stream.wait();
}

std::int64_t TileRows(std::int64_t rows) {
  constexpr std::int64_t kTiles = 8, kFewest = 48, kMost = 256;
  std::int64_t tiles = kTiles;
  while (tiles > 1 && rows < tiles * kFewest) tiles /= 2;
  if (rows > kTiles * kMost) tiles = RoundUp((rows + kMost - 1) / kMost, kTiles);
  // Few different numbers of rows: oneDNN keeps a program for each.
  return RoundUp((rows + tiles - 1) / tiles, 4);
}

void Multiply(std::int64_t n, const RightFactor& factor, const float* a, float* c, const float* bias, bool add) {
  const std::int64_t inner = factor.inner(), columns = factor.columns(), rows = TileRows(n);
  const std::int64_t whole = n / rows, rest = n % rows;
  std::unique_ptr<const TileProduct> full, last;
  if (whole > 0) full = std::make_unique<TileProduct>(rows, factor, inner, columns, bias, add);
  if (rest > 0) last = std::make_unique<TileProduct>(rest, factor, inner, columns, bias, add);
  ParallelTiles(whole + (rest > 0 ? 1 : 0), [&](std::int64_t tile) {
    (tile < whole ? full : last)->Run(a + tile * rows * inner, c + tile * rows * columns);
  });
}

}  // namespace headscope::worker
