#include "worker/model/tokenizer/post_processor.h"

#include <utility>

#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/template_post_processor.h"

namespace headscope::worker::tokenization {

absl::StatusOr<PostProcessors> LoadPostProcessors(const Json& tokenizer) {
  const auto components = ListComponents(tokenizer, "post_processor", "processors");
  if (!components.ok()) return components.status();
  PostProcessors steps;
  for (const Component& component : *components) {
    // Only moves the offsets into the text, which are not kept here.
    if (component.type == "ByteLevel") continue;
    absl::StatusOr<std::unique_ptr<const PostProcessor>> step = UnsupportedComponent(component);
    if (component.type == "TemplateProcessing") step = LoadTemplatePostProcessor(component);
    if (component.type == "BertProcessing" || component.type == "RobertaProcessing") {
      step = LoadClassifierPostProcessor(component);
    }
    if (!step.ok()) return step.status();
    steps.push_back(*std::move(step));
  }
  return steps;
}

}  // namespace headscope::worker::tokenization
