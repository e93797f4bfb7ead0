// The tokens of samples in a result file; its tensors are described at headscope.v1.AttributionService.ReadResult.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/headscope/safetensors.h"
#include "client/headscope/scores.h"

namespace headscope::client {

// Whether a tensor of that name is one of theirs.
bool IsOfRecordedTokens(const std::string& name);
bool HasRecordedTokens(const TensorViews& tensors);

// The tokens of samples of `tokens` tokens, of which `response_tokens` are supervised. DATA_LOSS for anything that does
// not hold together.
absl::StatusOr<std::vector<SampleTokens>> ReadRecordedTokens(const TensorViews& tensors,
                                                             const std::vector<std::uint32_t>& tokens,
                                                             const std::vector<std::uint32_t>& response_tokens);

}  // namespace headscope::client
