// Token strings and their ids, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"

namespace headscope::worker::tokenization {

// Thread-compatible while it is filled, immutable after. Ids are unique and may have gaps.
class Vocabulary {
 public:
  // INVALID_ARGUMENT when the string or the id is taken. `id` >= 0.
  absl::Status Add(std::string_view token, std::int32_t id);

  std::optional<std::int32_t> FindId(std::string_view token) const;
  // nullptr for an unknown id; valid as long as the vocabulary.
  const std::string* FindToken(std::int32_t id) const;

  std::size_t count() const { return ids_.size(); }
  // One past the largest id.
  std::int32_t size() const { return size_; }

 private:
  absl::node_hash_map<std::string, std::int32_t> ids_;
  // Points at the keys of `ids_`, which never move.
  absl::flat_hash_map<std::int32_t, const std::string*> tokens_;
  std::int32_t size_ = 0;
};

}  // namespace headscope::worker::tokenization
