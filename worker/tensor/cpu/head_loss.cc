#include "worker/tensor/cpu/head_loss.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <ATen/ATen.h>

#include "worker/tensor/cpu/matrix_product.h"
#include "worker/tensor/cpu/parallel_tiles.h"

namespace headscope::worker {
namespace {

// Words of one chunk: a tile of logits stays in the second-level cache or near it.
constexpr std::int64_t kChunkWords = 4096;

// A product for whole tiles and one for the last, shorter one.
struct TilePair {
  TilePair(std::int64_t tile_rows, std::int64_t all_rows, const RightFactor& factor, std::int64_t a_stride,
           std::int64_t c_stride, const float* bias, bool add) {
    const std::int64_t rest = all_rows % tile_rows;
    if (all_rows >= tile_rows) full = std::make_unique<TileProduct>(tile_rows, factor, a_stride, c_stride, bias, add);
    if (rest > 0) last = std::make_unique<TileProduct>(rest, factor, a_stride, c_stride, bias, add);
  }
  const TileProduct& For(bool is_full) const { return is_full ? *full : *last; }

  std::unique_ptr<TileProduct> full, last;
};

// One call. r rows of width w.
class HeadLossPass {
 public:
  HeadLossPass(const KernelTable& kernels, const HeadLossInput& input, const at::Tensor& gradient)
      : kernels_(kernels),
        input_(input),
        rows_(input.rows.size(0)),
        width_(input.rows.size(1)),
        vocabulary_(input.weight.size(0)),
        tile_rows_(TileRows(rows_)),
        cap_(static_cast<float>(input.soft_cap.value_or(0.0))),
        maximum_(static_cast<std::size_t>(rows_), -std::numeric_limits<float>::infinity()),
        total_(static_cast<std::size_t>(rows_), 0.0),
        rescale_(static_cast<std::size_t>(rows_), 0.0F),
        target_logits_(static_cast<std::size_t>(rows_), 0.0F),
        gradient_(gradient) {
    if (input.bias.defined()) bias_ = input.bias.to(at::kFloat).contiguous();
    const bool aliased = gradient_.defined() && gradient_.data_ptr() == input.rows.data_ptr();
    if (gradient_.defined()) sums_ = aliased ? at::empty_like(gradient_) : gradient_;
    logits_ = at::empty({omp_get_max_threads(), tile_rows_ * std::min(kChunkWords, vocabulary_)}, at::kFloat);
  }

  std::vector<double> Run() {
    for (std::int64_t begin = 0; begin < vocabulary_; begin += kChunkWords) {
      Chunk(begin, std::min(kChunkWords, vocabulary_ - begin));
    }
    std::vector<double> losses(static_cast<std::size_t>(rows_));
    const at::Tensor targets = gradient_.defined() ? TargetRows() : at::Tensor();
    ParallelTiles((rows_ + tile_rows_ - 1) / tile_rows_, [&](std::int64_t tile) {
      for (std::int64_t row = tile * tile_rows_; row < std::min(rows_, (tile + 1) * tile_rows_); ++row) {
        losses[row] = FinishRow(row, targets);
      }
    });
    return losses;
  }

 private:
  // [r, w] the targets' rows of the weight, in float32.
  at::Tensor TargetRows() const {
    return input_.weight.index_select(0, at::tensor(input_.targets, at::kLong)).to(at::kFloat).contiguous();
  }

  void Chunk(std::int64_t begin, std::int64_t words) {
    const at::Tensor part = input_.weight.narrow(0, begin, words);
    const float* bias = bias_.defined() ? bias_.data_ptr<float>() + begin : nullptr;
    const TilePair forward(tile_rows_, rows_, RightFactor(part.t()), width_, words, bias, false);
    std::unique_ptr<const TilePair> backward;
    if (sums_.defined()) {
      backward = std::make_unique<TilePair>(tile_rows_, rows_, RightFactor(part), words, width_, nullptr, begin > 0);
    }
    ParallelTiles((rows_ + tile_rows_ - 1) / tile_rows_, [&](std::int64_t tile) {
      const std::int64_t first = tile * tile_rows_, count = std::min(tile_rows_, rows_ - first);
      float* logits = logits_.data_ptr<float>() + omp_get_thread_num() * logits_.size(1);
      forward.For(count == tile_rows_).Run(input_.rows.data_ptr<float>() + first * width_, logits);
      for (std::int64_t row = first; row < first + count; ++row) {
        SoftmaxOfOthers(row, input_.targets[row] - begin, words, logits + (row - first) * words);
      }
      if (backward == nullptr) return;
      float* sums = sums_.data_ptr<float>() + first * width_;
      if (begin > 0) Rescale(first, count, sums);
      backward->For(count == tile_rows_).Run(logits, sums);
    });
  }

  // The running softmax over all words but the target, `word` of this chunk where it lies in it: one minus a
  // probability near one has few digits left, the sum of the others has all of them.
  void SoftmaxOfOthers(std::int64_t row, std::int64_t word, std::int64_t words, float* logits) {
    const auto run = [&](float* from, std::int64_t count) {
      float rescale = 1.0F;
      if (count > 0) {
        kernels_.softmax_chunk(1, count, count, cap_, from, &maximum_[row], &total_[row], &rescale);
      }
      return rescale;
    };
    if (word < 0 || word >= words) {
      rescale_[row] = run(logits, words);
      return;
    }
    target_logits_[row] = logits[word];
    const float before = run(logits, word);
    const float after = run(logits + word + 1, words - word - 1);
    logits[word] = 0.0F;
    if (after != 1.0F) {
      for (std::int64_t i = 0; i < word; ++i) logits[i] *= after;
    }
    rescale_[row] = before * after;
  }

  void Rescale(std::int64_t first, std::int64_t count, float* sums) const {
    for (std::int64_t row = 0; row < count; ++row) {
      const float factor = rescale_[first + row];
      if (factor == 1.0F) continue;
      for (std::int64_t i = 0; i < width_; ++i) sums[row * width_ + i] *= factor;
    }
  }

  // The row's loss; its gradient is put in place. With R exp(M) the sum of the other words' exponentials, odds are R
  // exp(M - target): loss = log(1 + odds), and 1 - p(target) = odds / (1 + odds).
  double FinishRow(std::int64_t row, const at::Tensor& targets) {
    double logit = target_logits_[row], slope = 1.0;
    if (cap_ > 0) {
      const double bent = std::tanh(logit / cap_);
      logit = cap_ * bent;
      slope = 1.0 - bent * bent;
    }
    const double odds = total_[row] * std::exp(maximum_[row] - logit);
    if (sums_.defined()) WriteGradient(row, 1.0 / (1.0 + 1.0 / odds), slope, targets);
    return odds > 1e300 ? maximum_[row] + std::log(total_[row]) - logit : std::log1p(odds);
  }

  void WriteGradient(std::int64_t row, double others, double slope, const at::Tensor& targets) {
    const float* sums = sums_.data_ptr<float>() + row * width_;
    const float* target = targets.data_ptr<float>() + row * width_;
    float* out = gradient_.data_ptr<float>() + row * width_;
    const double weight = input_.seeds[row] * others;
    // A vocabulary of one word has no others: nothing to learn, and no gradient.
    const auto share = static_cast<float>(total_[row] == 0.0 ? 0.0 : weight / total_[row]);
    const auto pull = static_cast<float>(weight * slope);
    for (std::int64_t i = 0; i < width_; ++i) out[i] = share * sums[i] - pull * target[i];
  }

  const KernelTable& kernels_;
  const HeadLossInput& input_;
  const std::int64_t rows_, width_, vocabulary_, tile_rows_;
  const float cap_;
  std::vector<float> maximum_;
  std::vector<double> total_;
  std::vector<float> rescale_;
  std::vector<float> target_logits_;
  const at::Tensor gradient_;
  at::Tensor bias_;
  at::Tensor sums_;    // [r, w]: G
  at::Tensor logits_;  // [threads, tile]
};

}  // namespace

std::vector<double> CpuHeadLoss(const KernelTable& kernels, const HeadLossInput& input, const at::Tensor& gradient) {
  for (const std::int64_t target : input.targets) {
    TORCH_CHECK(target >= 0 && target < input.weight.size(0), "target ", target, " is outside a vocabulary of ",
                input.weight.size(0));
  }
  return HeadLossPass(kernels, input, gradient).Run();
}

}  // namespace headscope::worker
