// The steps of one section of tokenizer.json.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

struct Component {
  // "Split".
  std::string type;
  // Where it stands, for messages: "pre_tokenizer.pretokenizers[0]".
  std::string path;
  // Points into the file.
  const Json* json = nullptr;
};

// The components of `section` in order, none where it is absent or null. A "Sequence" gives its parts, which are in its
// field `parts`. INVALID_ARGUMENT where malformed, or for more than 64.
absl::StatusOr<std::vector<Component>> ListComponents(const Json& tokenizer, const char* section, const char* parts);

// FAILED_PRECONDITION that names the component and its place.
absl::Status UnsupportedComponent(const Component& component);

}  // namespace headscope::worker::tokenization
