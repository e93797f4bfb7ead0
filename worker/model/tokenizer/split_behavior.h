// What becomes of the matches that text is split at.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {

// "the-final--countdown" split at "-":
enum class SplitBehavior {
  kRemoved,             // the|final|countdown
  kIsolated,            // the|-|final|-|-|countdown
  kMergedWithPrevious,  // the-|final-|-|countdown
  kMergedWithNext,      // the|-final|-|-countdown
  kContiguous,          // the|-|final|--|countdown
};

// The member "behavior" of `component`, whose path is `where`.
absl::StatusOr<SplitBehavior> ReadSplitBehavior(const Json& component, std::string_view where);

// The pieces that `stretches` (Regex::Cut) become, in order and without empty ones.
std::vector<Stretch> ApplyBehavior(const std::vector<Stretch>& stretches, SplitBehavior behavior);

}  // namespace headscope::worker::tokenization
