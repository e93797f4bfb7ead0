#include "worker/model/adapter/adapter_weights.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "worker/model/stored_tensor.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

// Rows of a head that are widened at a time.
constexpr std::int64_t kWideRows = 4096;

// head [vocabulary, width] + scale * up down, summed in float64.
at::Tensor AddedUp(const at::Tensor& head, const LowRankTerm& term) {
  const at::Tensor sum = at::empty(head.sizes(), head.options());
  const at::Tensor down = term.down.to(at::kDouble) * term.scale;
  for (std::int64_t row = 0; row < head.size(0); row += kWideRows) {
    const std::int64_t rows = std::min(kWideRows, head.size(0) - row);
    const at::Tensor product = at::mm(term.up.narrow(0, row, rows).to(at::kDouble), down);
    sum.narrow(0, row, rows).copy_(head.narrow(0, row, rows).to(at::kDouble) + product);
  }
  return sum;
}

class Loading {
 public:
  Loading(const AdapterCheckpoint& adapter, const Architecture& architecture, const DecoderWeights& base)
      : adapter_(adapter), architecture_(architecture), loaded_{.weights = base} {}

  absl::StatusOr<AdaptedWeights> Run() {
    const GradMode no_graph(false);
    for (const AdapterReplacement& replacement : adapter_.account.replacements) {
      const absl::Status status = Replace(replacement);
      if (!status.ok()) return status;
    }
    for (const AdapterTerm& term : adapter_.account.terms) {
      const absl::Status status = Add(term);
      if (!status.ok()) return status;
    }
    const absl::Status status = adapter_.file.file().CheckSize();
    if (!status.ok()) return status;
    return std::move(loaded_);
  }

 private:
  absl::StatusOr<at::Tensor> Read(const StoredTensor& tensor) {
    const at::Tensor& like = loaded_.weights.embedding.weight;
    absl::StatusOr<at::Tensor> read = ReadStoredTensor({&adapter_.file, &tensor}, like.scalar_type(), like.device());
    if (read.ok()) loaded_.resident_bytes += static_cast<std::int64_t>(read->nbytes());
    return read;
  }

  absl::Status Replace(const AdapterReplacement& replacement) {
    const absl::StatusOr<at::Tensor> stored = Read(*replacement.stored);
    if (!stored.ok()) return stored.status();
    return PlaceTensor(*replacement.tensor, *stored, architecture_.spec, &loaded_.weights);
  }

  absl::Status Add(const AdapterTerm& term) {
    const absl::StatusOr<at::Tensor> down = Read(*term.down);
    if (!down.ok()) return down.status();
    const absl::StatusOr<at::Tensor> up = Read(*term.up);
    if (!up.ok()) return up.status();
    for (const Placement& placement : term.weight->placements) {
      const WeightSlot& slot = placement.slot;
      Affine& affine = *FindAffine(loaded_.weights, slot.role, slot.layer);
      const LowRankTerm low_rank = {*down, PickRows(*up, placement), term.scale};
      if (slot.role != WeightRole::kHead) {
        affine.low_rank = low_rank;
        continue;
      }
      affine.weight = AddedUp(affine.weight, low_rank);
      loaded_.resident_bytes += static_cast<std::int64_t>(affine.weight.nbytes());
    }
    return absl::OkStatus();
  }

  const AdapterCheckpoint& adapter_;
  const Architecture& architecture_;
  AdaptedWeights loaded_;
};

}  // namespace

absl::StatusOr<AdaptedWeights> LoadAdapterWeights(const AdapterCheckpoint& adapter, const Architecture& architecture,
                                                  const DecoderWeights& base) {
  return Loading(adapter, architecture, base).Run();
}

}  // namespace headscope::worker
