// Special tokens before and behind a text.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/post_processor.h"

namespace headscope::worker::tokenization {

// TemplateProcessing: the "single" template, which holds the text (sequence A) once.
absl::StatusOr<std::unique_ptr<const PostProcessor>> LoadTemplatePostProcessor(const Component& component);

// BertProcessing and RobertaProcessing: "cls" before the text, "sep" behind it.
absl::StatusOr<std::unique_ptr<const PostProcessor>> LoadClassifierPostProcessor(const Component& component);

}  // namespace headscope::worker::tokenization
