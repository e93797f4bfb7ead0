// TemplateProcessing: fixed special tokens before and after a text.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/post_processor.h"

namespace headscope::worker::tokenization {

// Reads the template for single texts ("single"): special tokens around sequence A, which occurs once.
absl::StatusOr<std::unique_ptr<const PostProcessor>> LoadTemplatePostProcessor(const Json& component);

}  // namespace headscope::worker::tokenization
