#include "worker/tensor/cpu/head_loss.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <ATen/ATen.h>

#include "worker/tensor/cpu/matrix_product.h"
#include "worker/tensor/cpu/panel_product.h"
#include "worker/tensor/cpu/parallel_tiles.h"

namespace headscope::worker {
namespace {

// Words of one chunk and most rows of a tile: large enough for oneDNN's products to be near their best, small enough
// for a tile of logits to stay near the second-level cache.
constexpr std::int64_t kChunkWords = 2048;
constexpr std::int64_t kMostRows = 256;
// So many units of work there are at least where the vocabulary has as many chunks: enough for many threads.
constexpr std::int64_t kLeastUnits = 32;

std::int64_t Quotient(std::int64_t value, std::int64_t step) { return (value + step - 1) / step; }

// How one call is cut, by its shapes alone: rows into tiles of about equal size, the vocabulary into chunks and runs of
// chunks into parts. A unit of work is one tile and one part.
struct Cut {
  Cut(std::int64_t rows, std::int64_t vocabulary)
      : tile_rows(Quotient(Quotient(rows, std::max<std::int64_t>(1, Quotient(rows, kMostRows))), 16) * 16),
        tiles(rows == 0 ? 0 : Quotient(rows, tile_rows)),
        chunks(Quotient(vocabulary, kChunkWords)),
        parts(std::min(chunks, Quotient(kLeastUnits, std::max<std::int64_t>(1, tiles)))) {}

  // Part `part` has chunks [FirstChunk(part), FirstChunk(part + 1)).
  std::int64_t FirstChunk(std::int64_t part) const { return part * chunks / parts; }

  std::int64_t tile_rows, tiles, chunks, parts;
};

// C [rows, N] = A [rows, K] B (+ bias) (+ C), all contiguous, by one thread.
void MultiplyTile(std::int64_t rows, const at::Tensor& b, const float* a, const float* bias, bool add, float* c) {
  TileProduct(rows, RightFactor(b), b.size(0), b.size(1), bias, add).Run(a, c);
}
void MultiplyTile(std::int64_t rows, const at::Tensor& b, const double* a, const double* bias, bool add, double* c) {
  PanelFactor(b).Multiply(rows, a, bias, add, c);
}

// A running softmax.
template <typename Real>
struct RunningSoftmax {
  Real maximum = -std::numeric_limits<Real>::infinity();
  double total = 0.0;  // sum of exp(logit - maximum)
};

// One call. r rows of width w.
template <typename Real>
class HeadLossPass {
 public:
  HeadLossPass(const KernelTable<Real>& kernels, const HeadLossInput& input, const at::Tensor& gradient)
      : kernels_(kernels),
        input_(input),
        rows_(input.rows.size(0)),
        width_(input.rows.size(1)),
        vocabulary_(input.weight.size(0)),
        cap_(static_cast<Real>(input.soft_cap.value_or(0.0))),
        cut_(rows_, vocabulary_),
        softmax_(static_cast<std::size_t>(cut_.parts * rows_)),
        target_logits_(static_cast<std::size_t>(rows_), Real{0}),
        gradient_(gradient) {
    if (input.bias.defined()) bias_ = input.bias.to(kType).contiguous();
    if (gradient_.defined()) sums_ = at::empty({cut_.parts, rows_, width_}, kType);
    logits_ = at::empty({omp_get_max_threads(), cut_.tile_rows * std::min(kChunkWords, vocabulary_)}, kType);
  }

  std::vector<double> Run() {
    ParallelTiles(cut_.tiles * cut_.parts, [&](std::int64_t unit) {
      for (std::int64_t part = unit % cut_.parts, chunk = cut_.FirstChunk(part); chunk < cut_.FirstChunk(part + 1);
           ++chunk) {
        Chunk(unit / cut_.parts, part, chunk);
      }
    });
    std::vector<double> losses(static_cast<std::size_t>(rows_));
    const at::Tensor targets = gradient_.defined() ? TargetRows() : at::Tensor();
    ParallelTiles(rows_, [&](std::int64_t row) { losses[row] = FinishRow(row, targets); });
    return losses;
  }

 private:
  static constexpr at::ScalarType kType = c10::CppTypeToScalarType<Real>::value;

  // [r, w] the targets' rows of the weight, in the precision of the rows.
  at::Tensor TargetRows() const {
    return input_.weight.index_select(0, at::tensor(input_.targets, at::kLong)).to(kType).contiguous();
  }

  Real* Sums(std::int64_t part, std::int64_t row) const {
    return sums_.data_ptr<Real>() + (part * rows_ + row) * width_;
  }

  // One chunk of words meets one tile of rows.
  void Chunk(std::int64_t tile, std::int64_t part, std::int64_t chunk) {
    const std::int64_t first = tile * cut_.tile_rows, count = std::min(cut_.tile_rows, rows_ - first);
    const std::int64_t begin = chunk * kChunkWords, words = std::min(kChunkWords, vocabulary_ - begin);
    const bool first_chunk = chunk == cut_.FirstChunk(part);
    const at::Tensor weight = input_.weight.narrow(0, begin, words);
    const Real* bias = bias_.defined() ? bias_.data_ptr<Real>() + begin : nullptr;
    Real* logits = logits_.data_ptr<Real>() + omp_get_thread_num() * logits_.size(1);
    MultiplyTile(count, weight.t(), input_.rows.data_ptr<Real>() + first * width_, bias, /*add=*/false, logits);
    for (std::int64_t row = first; row < first + count; ++row) {
      const Real rescale = SoftmaxOfOthers(row, softmax_[part * rows_ + row], input_.targets[row] - begin, words,
                                           logits + (row - first) * words);
      if (sums_.defined() && !first_chunk && rescale != Real{1}) Scale(rescale, Sums(part, row));
    }
    if (!sums_.defined()) return;
    MultiplyTile(count, weight, logits, nullptr, /*add=*/!first_chunk, Sums(part, first));
  }

  void Scale(Real factor, Real* row) const {
    for (std::int64_t i = 0; i < width_; ++i) row[i] *= factor;
  }

  // The running softmax over all words but the target, `word` of this chunk where it lies in it: one minus a
  // probability near one has few digits left, the sum of the others has all of them. Logits become exponentials;
  // returns what those of the chunks before have to be multiplied by.
  Real SoftmaxOfOthers(std::int64_t row, RunningSoftmax<Real>& softmax, std::int64_t word, std::int64_t words,
                       Real* logits) {
    const auto run = [&](Real* from, std::int64_t count) {
      Real rescale = Real{1};
      if (count > 0) {
        kernels_.softmax_chunk(1, count, count, cap_, from, &softmax.maximum, &softmax.total, &rescale);
      }
      return rescale;
    };
    if (word < 0 || word >= words) return run(logits, words);
    target_logits_[row] = logits[word];
    const Real before = run(logits, word);
    const Real after = run(logits + word + 1, words - word - 1);
    logits[word] = Real{0};
    if (after != Real{1}) {
      for (std::int64_t i = 0; i < word; ++i) logits[i] *= after;
    }
    return before * after;
  }

  // The softmax of the whole vocabulary from those of its parts; the sums of all parts come together in the first.
  RunningSoftmax<Real> MergeParts(std::int64_t row) {
    RunningSoftmax<Real> all;
    for (std::int64_t part = 0; part < cut_.parts; ++part) {
      all.maximum = std::max(all.maximum, softmax_[part * rows_ + row].maximum);
    }
    for (std::int64_t part = 0; part < cut_.parts; ++part) {
      const RunningSoftmax<Real>& softmax = softmax_[part * rows_ + row];
      // A part of the target alone has no others.
      const double factor = softmax.total == 0.0 ? 0.0 : std::exp(static_cast<double>(softmax.maximum) - all.maximum);
      all.total += softmax.total * factor;
      if (sums_.defined()) AddPart(static_cast<Real>(factor), part, row);
    }
    return all;
  }

  void AddPart(Real factor, std::int64_t part, std::int64_t row) const {
    Real* all = Sums(0, row);
    if (part == 0) return Scale(factor, all);
    const Real* sums = Sums(part, row);
    for (std::int64_t i = 0; i < width_; ++i) all[i] += factor * sums[i];
  }

  // The row's loss; its gradient is put in place. With R exp(M) the sum of the other words' exponentials, odds are R
  // exp(M - target): loss = log(1 + odds), and 1 - p(target) = odds / (1 + odds).
  double FinishRow(std::int64_t row, const at::Tensor& targets) {
    const RunningSoftmax<Real> others = MergeParts(row);
    double logit = target_logits_[row], slope = 1.0;
    if (cap_ > 0) {
      const double bent = std::tanh(logit / cap_);
      logit = cap_ * bent;
      slope = 1.0 - bent * bent;
    }
    const double odds = others.total * std::exp(others.maximum - logit);
    if (sums_.defined()) WriteGradient(row, others.total, 1.0 / (1.0 + 1.0 / odds), slope, targets);
    return odds > 1e300 ? others.maximum + std::log(others.total) - logit : std::log1p(odds);
  }

  // `total` of the others' exponentials, `others` their probability.
  void WriteGradient(std::int64_t row, double total, double others, double slope, const at::Tensor& targets) const {
    const Real* sums = Sums(0, row);
    const Real* target = targets.data_ptr<Real>() + row * width_;
    Real* out = gradient_.data_ptr<Real>() + row * width_;
    const double weight = input_.seeds[row] * others;
    // A vocabulary of one word has no others: nothing to learn, and no gradient.
    const auto share = static_cast<Real>(total == 0.0 ? 0.0 : weight / total);
    const auto pull = static_cast<Real>(weight * slope);
    for (std::int64_t i = 0; i < width_; ++i) out[i] = share * sums[i] - pull * target[i];
  }

  const KernelTable<Real>& kernels_;
  const HeadLossInput& input_;
  const std::int64_t rows_, width_, vocabulary_;
  const Real cap_;
  const Cut cut_;
  std::vector<RunningSoftmax<Real>> softmax_;  // [parts, r]
  std::vector<Real> target_logits_;            // [r]
  const at::Tensor gradient_;
  at::Tensor bias_;
  at::Tensor sums_;    // [parts, r, w]: sum of exponentials times their words' rows of the weight
  at::Tensor logits_;  // [threads, tile]
};

}  // namespace

template <typename Real>
std::vector<double> CpuHeadLoss(const KernelTable<Real>& kernels, const HeadLossInput& input,
                                const at::Tensor& gradient) {
  for (const std::int64_t target : input.targets) {
    TORCH_CHECK(target >= 0 && target < input.weight.size(0), "target ", target, " is outside a vocabulary of ",
                input.weight.size(0));
  }
  return HeadLossPass<Real>(kernels, input, gradient).Run();
}
template std::vector<double> CpuHeadLoss(const KernelTable<float>&, const HeadLossInput&, const at::Tensor&);
template std::vector<double> CpuHeadLoss(const KernelTable<double>&, const HeadLossInput&, const at::Tensor&);

template <typename Real>
std::int64_t CpuHeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary, std::int64_t threads) {
  const Cut cut(rows, vocabulary);
  const std::int64_t words = std::min(kChunkWords, vocabulary);
  const std::int64_t sums = cut.parts * rows * width, targets = rows * width;
  // In float64 a thread makes panels of its words of the weight, in one direction and then in the other.
  std::int64_t panels = 0;
  if (std::is_same_v<Real, double>)
    panels = std::max(PanelFactor::Bytes(width, words), PanelFactor::Bytes(words, width));
  return static_cast<std::int64_t>(sizeof(Real)) * (sums + targets + threads * cut.tile_rows * words) +
         threads * panels;
}
template std::int64_t CpuHeadLossBytes<float>(std::int64_t, std::int64_t, std::int64_t, std::int64_t);
template std::int64_t CpuHeadLossBytes<double>(std::int64_t, std::int64_t, std::int64_t, std::int64_t);

}  // namespace headscope::worker
