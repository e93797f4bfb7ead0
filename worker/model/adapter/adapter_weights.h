// A base model's weights with an adapter's beside them.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "worker/model/adapter/adapter_checkpoint.h"
#include "worker/model/decoder_weights.h"

namespace headscope::worker {

struct AdaptedWeights {
  // Shares the base's tensors but for those that the adapter replaces.
  DecoderWeights weights;
  // What the adapter takes of its own.
  std::int64_t resident_bytes = 0;
};

// Reads the tensors of `adapter` in the dtype and on the device of `base`, whose architecture is the one the adapter
// was opened for. A term of the vocabulary head is added to a copy of it: that product is taken together with the loss,
// for which weights stand alone. Throws what ATen throws. Errors: DATA_LOSS when the file changes meanwhile.
absl::StatusOr<AdaptedWeights> LoadAdapterWeights(const AdapterCheckpoint& adapter, const Architecture& architecture,
                                                  const DecoderWeights& base);

}  // namespace headscope::worker
