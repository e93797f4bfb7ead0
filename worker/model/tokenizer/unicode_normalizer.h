// Normalizers that work on characters, by the Unicode tables.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/normalizer.h"

namespace headscope::worker::tokenization {

struct NormalForm {
  // NFC and NFKC; otherwise characters stay taken apart.
  bool composed = true;
  // NFKC and NFKD.
  bool compatible = false;
};

// `text` (valid UTF-8) in a normal form of Unicode 15. O(n log n), whatever marks follow each other.
std::string ToNormalForm(std::string_view text, NormalForm form);

// NFC, NFD, NFKC or NFKD: the component's type.
absl::StatusOr<std::unique_ptr<const Normalizer>> LoadUnicodeNormalizer(const Component& component);

// Each character by itself: no final sigma.
absl::StatusOr<std::unique_ptr<const Normalizer>> LoadLowercaseNormalizer(const Component& component);

// Takes combining marks away.
absl::StatusOr<std::unique_ptr<const Normalizer>> LoadStripAccentsNormalizer(const Component& component);

}  // namespace headscope::worker::tokenization
