// What a forward pass leaves for the reverse, and the memory it lives in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// Buffers of one type on one device that are kept between batches: large fresh memory costs a page fault a page. A
// buffer grows and never shrinks until Clear. Thread-compatible.
class Workspace {
 public:
  // `options`: type and device.
  explicit Workspace(const at::TensorOptions& options) : options_(options) {}

  // [rows, columns], contiguous, of undefined content; valid until the same `name` is taken again.
  at::Tensor Take(const std::string& name, std::int64_t rows, std::int64_t columns);
  std::int64_t bytes() const;
  void Clear() { buffers_.clear(); }

 private:
  const at::TensorOptions options_;
  std::map<std::string, at::Tensor> buffers_;
};

// One norm: see Operations::Norm.
struct NormTape {
  at::Tensor normed;  // [n, w]
  at::Tensor scale;   // [n]
};

// One layer's share. n rows up to the attention output; m rows after it (fewer in the last layer, where only predicting
// rows go on). Without weight gradients this is all that the reverse needs: inputs of linears are not.
struct LayerTape {
  NormTape attention_norm, query_norm, key_norm, attention_post_norm, mlp_norm, mlp_post_norm;
  at::Tensor query, key, value;  // [n, H * d], [n, G * d] twice: normed and rotated
  at::Tensor z;                  // [n, H * d]
  at::Tensor lse;                // [H, n]
  at::Tensor gate, up;           // [m, mlp_width]: derivatives of the MLP's hidden values
};

// Takes the buffers of one tape; `slot` tells tapes apart that are alive at the same time.
LayerTape TakeTape(const DecoderSpec& spec, Workspace& workspace, std::int64_t slot, std::int64_t n);
// Bytes of one tape for n rows of `type`.
std::int64_t TapeBytes(const DecoderSpec& spec, std::int64_t n, at::ScalarType type);
// Layers from this one on keep their tapes, the others share one: as small as `activation_bytes` for tapes allow.
std::int64_t FirstKeptLayer(const DecoderSpec& spec, std::int64_t n, at::ScalarType type,
                            std::int64_t activation_bytes);

}  // namespace headscope::worker
