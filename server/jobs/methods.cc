#include "server/jobs/methods.h"

namespace headscope::server {

const std::vector<std::string>& PlanesOf(std::string_view method) {
  static const auto* const kNone = new std::vector<std::string>();
  static const auto* const kGradient =
      new std::vector<std::string>{"prompt_absolute", "prompt_signed", "response_absolute", "response_signed"};
  return method == "gradient" ? *kGradient : *kNone;
}

}  // namespace headscope::server
