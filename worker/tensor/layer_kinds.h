// The kinds of norm and activation that decoders use, as plain values.
#pragma once

namespace headscope::worker {

enum class NormKind { kLayerNorm, kRmsNorm };
enum class ActivationKind { kRelu, kGelu, kGeluTanh, kSilu };

}  // namespace headscope::worker
