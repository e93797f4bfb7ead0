#include "worker/model/tokenizer/post_processor.h"

#include <utility>

#include "worker/model/tokenizer/template_post_processor.h"

namespace headscope::worker::tokenization {
namespace {

using Steps = std::vector<std::unique_ptr<const PostProcessor>>;

absl::Status AppendSteps(const Json& component, Steps& steps) {
  const auto type = RequireString(component, "type", "post_processor");
  if (!type.ok()) return type.status();
  // Only moves the offsets into the text, which are not kept here.
  if (*type == "ByteLevel") return absl::OkStatus();
  if (*type == "TemplateProcessing") {
    auto step = LoadTemplatePostProcessor(component);
    if (!step.ok()) return step.status();
    steps.push_back(*std::move(step));
    return absl::OkStatus();
  }
  if (*type != "Sequence") return Unsupported("post_processor", ComponentName(&component));
  const auto parts = RequireArray(component, "processors", "post_processor");
  if (!parts.ok()) return parts.status();
  for (const Json& part : **parts) {
    if (auto status = AppendSteps(part, steps); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Steps> LoadPostProcessors(const Json& tokenizer) {
  Steps steps;
  const Json* component = FindField(tokenizer, "post_processor");
  if (component == nullptr) return steps;
  if (auto status = AppendSteps(*component, steps); !status.ok()) return status;
  return steps;
}

}  // namespace headscope::worker::tokenization
