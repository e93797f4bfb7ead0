// Normalizers that put in, exchange or take away pieces of text.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/normalizer.h"

namespace headscope::worker::tokenization {

// Puts "prepend" before every text that is not empty.
absl::StatusOr<std::unique_ptr<const Normalizer>> LoadPrependNormalizer(const Component& component);

// Options as TextReplacer.
absl::StatusOr<std::unique_ptr<const Normalizer>> LoadReplaceNormalizer(const Component& component);

// Takes away white space at the start (strip_left) and the end (strip_right).
absl::StatusOr<std::unique_ptr<const Normalizer>> LoadStripNormalizer(const Component& component);

}  // namespace headscope::worker::tokenization
