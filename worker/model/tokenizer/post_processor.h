// The "post_processor" section of tokenizer.json: the special tokens around a text.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// Immutable: thread-safe.
class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  // `ids` of a whole text with this step's special tokens added.
  virtual std::vector<std::int32_t> Process(std::vector<std::int32_t> ids) const = 0;
};

using PostProcessors = std::vector<std::unique_ptr<const PostProcessor>>;

// The steps in order, those that change no ids (ByteLevel) left out. Knows TemplateProcessing, BertProcessing and
// RobertaProcessing besides. Errors: INVALID_ARGUMENT (malformed),
// FAILED_PRECONDITION naming the component.
absl::StatusOr<PostProcessors> LoadPostProcessors(const Json& tokenizer);

}  // namespace headscope::worker::tokenization
