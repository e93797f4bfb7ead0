// Matrix products by oneDNN, cut into tiles of rows in a way that depends on the shapes only: oneDNN itself splits sums
// by the number of threads, and the last digits would follow.
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

namespace headscope::worker {

// The right factor B [K, N] of products A B: float32 or bfloat16, read where it lies or from a packed copy. Immutable:
// thread-safe. Cheap to copy.
class RightFactor {
 public:
  // `matrix` [K, N] has a stride of 1 in one dimension and is kept alive.
  explicit RightFactor(at::Tensor matrix);
  // Copies it into the layout that this processor's products like best, where that is not a plain one and takes at most
  // `bytes`. Returns the bytes taken, 0 when it stays as it is.
  std::int64_t Pack(std::int64_t bytes);
  // What Pack would take for a factor [inner, columns], 0 where a plain layout is the best.
  static std::int64_t PackedBytes(std::int64_t inner, std::int64_t columns, bool bfloat16);

  std::int64_t inner() const { return matrix_.size(0); }
  std::int64_t columns() const { return matrix_.size(1); }
  // Columns [begin, begin + count) of an unpacked factor.
  RightFactor Columns(std::int64_t begin, std::int64_t count) const {
    return RightFactor(matrix_.narrow(1, begin, count));
  }

 private:
  friend class TileProduct;
  struct Packed;

  at::Tensor matrix_;
  std::shared_ptr<const Packed> packed_;
};

// One product for tiles of a number of rows, made once and run by any number of threads at a time.
class TileProduct {
 public:
  // C [rows, N] = A [rows, K] B (+ bias [N], float32) (+ C). A and C have these many elements from row to row. With a
  // bfloat16 B, A is rounded to bfloat16 first; sums are float32. `bias` may be null.
  TileProduct(std::int64_t rows, const RightFactor& factor, std::int64_t a_stride, std::int64_t c_stride,
              const float* bias, bool add);
  ~TileProduct();

  void Run(const float* a, float* c) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// C [n, N] = A [n, K] B (+ bias) (+ C), both contiguous, with the calling thread's number of threads.
void Multiply(std::int64_t n, const RightFactor& factor, const float* a, float* c, const float* bias, bool add);

// How the rows of a product are cut: into 1, 2, 4 or a multiple of 8 tiles of about equal size, so that 2, 4 or 8
// threads have the same to do, of 48 to 256 rows where there are as many.
std::int64_t TileRows(std::int64_t rows);

}  // namespace headscope::worker
