// One layer forward, and its reverse: written once for every DecoderSpec, by hand, on the table of operations.
//
// The reverse goes to activations only. With y = W x it is dx = W^T dy; a norm's and an activation's need what the tape
// holds; attention's is AttentionBackward. D = <z, dL/dz> falls out where the gradient passes the heads' outputs
// (methods.md 3.1), so that nothing [T, T] is ever kept.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/model/decoder_spec.h"
#include "worker/model/fast/prepared_decoder.h"
#include "worker/model/fast/tape.h"
#include "worker/model/fast/token_plan.h"
#include "worker/tensor/operations.h"

namespace headscope::worker {

// One rope's tables for a batch, and which of their rows each token takes.
struct TokenRope {
  RopeTable table;
  at::Tensor rows;  // int64 [n]
};

// Runs the layers of one batch. Letters: n rows of tokens, m rows that go on after a layer's attention (all but in the
// last layer: there only the r predicting rows), w width. Thread-compatible; arguments outlive it.
class LayerPass {
 public:
  LayerPass(const DecoderSpec& spec, const PreparedDecoder& decoder, Operations& operations, Workspace& workspace,
            const TokenPlan& plan, const std::vector<TokenRope>& ropes);

  // The residual stream x [n, w] through layer `layer`, in place; the stream after it is returned: x, or in the last
  // layer its predicting rows [r, w]. `gates` [n, heads] multiplies z, or is undefined.
  at::Tensor Forward(std::int64_t layer, const at::Tensor& x, const at::Tensor& gates, LayerTape& tape);

  // dx: the gradient of the stream after the layer, in place. Returns that of the stream before it [n, w]; undefined
  // for layer 0, where nobody asks. dots [heads, n] receives D. Uses up the tape.
  at::Tensor Reverse(std::int64_t layer, const at::Tensor& dx, LayerTape& tape, const at::Tensor& dots);

 private:
  at::Tensor Take(const char* name, const at::Tensor& like);
  void Norm(const NormWeights& weights, const at::Tensor& x, NormTape& tape, const at::Tensor& out);
  void NormBackward(const NormWeights& weights, const NormTape& tape, const at::Tensor& dout, const at::Tensor& dx,
                    bool add);
  bool Selects(std::int64_t layer) const;
  // The predicting rows of x.
  at::Tensor Select(const at::Tensor& x) const;
  // The reverse of Select: dx [r, columns] -> [n, columns], zero elsewhere.
  at::Tensor Spread(const char* name, const at::Tensor& dx);

  // hidden [n, w] -> tape.z.
  void Attend(const PreparedLayer& layer, const AttentionSpec& attention, const at::Tensor& hidden, LayerTape& tape);
  // The norm of every head of q or k, in place, where the model has one.
  void HeadNorm(const NormWeights& norm, NormTape& tape, const at::Tensor& heads);
  // hidden [m, w] -> out [m, w], or added to it.
  void Mlp(const PreparedLayer& layer, const at::Tensor& hidden, LayerTape& tape, const at::Tensor& out, bool add);
  // The parts of a layer after the attention, on m rows.
  void Finish(const PreparedLayer& layer, const at::Tensor& z, const at::Tensor& x, const at::Tensor& hidden,
              LayerTape& tape);

  void MlpBackward(const PreparedLayer& layer, LayerTape& tape, const at::Tensor& dout, const at::Tensor& din,
                   bool add);
  // The reverse of Finish: dx [m, w] becomes the gradient of the stream at the attention's residual sum; returns dz [m,
  // H * d]. `dhidden` (kParallel with a shared norm) receives the MLP branch's share of the norm's gradient.
  at::Tensor FinishBackward(std::int64_t index, const PreparedLayer& layer, LayerTape& tape, const at::Tensor& dx,
                            at::Tensor* dhidden);
  // dz [n, H * d] -> din [n, w], or added to it.
  void AttendBackward(const PreparedLayer& layer, const AttentionSpec& attention, LayerTape& tape, const at::Tensor& dz,
                      const at::Tensor& dots, const at::Tensor& din, bool add);

  const DecoderSpec& spec_;
  const PreparedDecoder& decoder_;
  Operations& operations_;
  Workspace& workspace_;
  const TokenPlan& plan_;
  const std::vector<TokenRope>& ropes_;
};

}  // namespace headscope::worker
