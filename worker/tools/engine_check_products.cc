#include "worker/tools/engine_check_products.h"

#include <algorithm>
#include <optional>

#include "worker/tensor/product_rate.h"
#ifdef HEADSCOPE_WITH_ONEDNN
#include "worker/tensor/cpu/packed_product_rate.h"
#endif

namespace headscope::worker {
namespace {

std::optional<double> OneDnnSeconds(const ProductShape& shape, bool bfloat16, const std::string& device, int repeats) {
#ifdef HEADSCOPE_WITH_ONEDNN
  if (device == "cpu") return PackedProductSeconds(shape, bfloat16, repeats);
#endif
  return std::nullopt;
}

}  // namespace

std::vector<CountedProduct> ProductsOf(const DecoderSpec& spec, std::int64_t rows) {
  std::vector<CountedProduct> products;
  const auto add = [&](std::int64_t in, std::int64_t out, std::int64_t count) {
    products.push_back({{rows, in, out}, count});
    products.push_back({{rows, out, in}, count});
  };
  add(spec.width, spec.heads * spec.head_dim, 2 * spec.layers);             // query, and output the other way round
  add(spec.width, spec.kv_heads * spec.head_dim, 2 * spec.layers);          // key, value
  add(spec.width, spec.mlp_width, (spec.gated_mlp ? 3 : 2) * spec.layers);  // up, gate, and down the other way round
  add(spec.width, spec.vocabulary, 1);
  return products;
}

absl::StatusOr<ProductRates> MeasureProductRates(const DecoderSpec& spec, std::int64_t rows, bool bfloat16,
                                                 const std::string& device, int repeats) {
  double flops = 0, onednn_seconds = 0, torch_seconds = 0, best_seconds = 0;
  bool has_onednn = true;
  for (const CountedProduct& product : ProductsOf(spec, rows)) {
    const absl::StatusOr<double> torch = TorchProductSeconds(product.shape, bfloat16, device, repeats);
    if (!torch.ok()) return torch.status();
    const std::optional<double> onednn = OneDnnSeconds(product.shape, bfloat16, device, repeats);
    const auto count = static_cast<double>(product.count);
    flops += count * product.shape.flops();
    torch_seconds += count * *torch;
    onednn_seconds += count * onednn.value_or(0);
    best_seconds += count * std::min(*torch, onednn.value_or(*torch));
    has_onednn = has_onednn && onednn.has_value();
  }
  return ProductRates{.onednn = has_onednn ? flops / onednn_seconds / 1e9 : 0,
                      .torch = flops / torch_seconds / 1e9,
                      .best = flops / best_seconds / 1e9};
}

}  // namespace headscope::worker
