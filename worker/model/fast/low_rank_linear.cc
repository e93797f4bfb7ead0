#include "worker/model/fast/low_rank_linear.h"

#include <utility>

#include <ATen/ATen.h>

namespace headscope::worker {
namespace {

class LowRankLinear final : public LinearOperation {
 public:
  LowRankLinear(std::unique_ptr<LinearOperation> linear, const LowRankTerm& term, Operations& operations)
      : linear_(std::move(linear)),
        down_(operations.PrepareLinear(term.down, at::Tensor())),
        up_(operations.PrepareLinear(term.up, at::Tensor())),
        rank_(term.down.size(0)),
        scale_(term.scale) {}

  void Forward(const at::Tensor& x, const at::Tensor& out, bool add) override {
    const at::Tensor inner = at::empty({x.size(0), rank_}, x.options());
    down_->Forward(x, inner, false);
    inner.mul_(scale_);
    linear_->Forward(x, out, add);
    up_->Forward(inner, out, true);
  }

  void BackwardToData(const at::Tensor& dout, const at::Tensor& dx, bool add) override {
    const at::Tensor inner = at::empty({dout.size(0), rank_}, dout.options());
    up_->BackwardToData(dout, inner, false);
    inner.mul_(scale_);
    linear_->BackwardToData(dout, dx, add);
    down_->BackwardToData(inner, dx, true);
  }

  std::int64_t packed_bytes() const override {
    return linear_->packed_bytes() + down_->packed_bytes() + up_->packed_bytes();
  }

 private:
  const std::unique_ptr<LinearOperation> linear_;
  const std::unique_ptr<LinearOperation> down_;
  const std::unique_ptr<LinearOperation> up_;
  const std::int64_t rank_;
  const double scale_;
};

}  // namespace

std::unique_ptr<LinearOperation> WithLowRank(std::unique_ptr<LinearOperation> linear, const LowRankTerm& term,
                                             Operations& operations) {
  return std::make_unique<LowRankLinear>(std::move(linear), term, operations);
}

}  // namespace headscope::worker
