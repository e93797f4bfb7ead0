// The decoders that tokenizers of the sentencepiece kind are put together from.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/decoder.h"

namespace headscope::worker::tokenization {

// A run of byte tokens (<0xE2>) becomes the text of those bytes; one U+FFFD for each byte where they are not UTF-8.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadByteFallbackDecoder(const Component& component);

// Joins all parts into one.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadFuseDecoder(const Component& component);

// The visible character becomes a space again; in the first token it goes, where encoding puts one before the text.
// Options as the pre-tokenizer of that name.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadMetaspaceDecoder(const Component& component);

// In every part; options as TextReplacer.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadReplaceDecoder(const Component& component);

// Takes from every part up to `start` characters `content` at its start and up to `stop` at its end.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadStripDecoder(const Component& component);

}  // namespace headscope::worker::tokenization
