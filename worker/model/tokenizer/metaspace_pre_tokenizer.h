// Metaspace: spaces become a visible character, and words begin with it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/pre_tokenizer.h"

namespace headscope::worker::tokenization {

// Which pieces of text that do not begin with the character get it put before them.
enum class PrependScheme { kNever, kFirst, kAlways };

struct MetaspaceOptions {
  // One character as UTF-8.
  std::string replacement;
  PrependScheme prepend = PrependScheme::kAlways;
  // Whether words are cut apart; otherwise a piece stays whole.
  bool split = true;
};

// Reads the options that pre-tokenizer and decoder share. Older files say add_prefix_space instead of prepend_scheme;
// INVALID_ARGUMENT where the two contradict each other.
absl::StatusOr<MetaspaceOptions> ReadMetaspaceOptions(const Component& component);

absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadMetaspacePreTokenizer(const Component& component);

}  // namespace headscope::worker::tokenization
