// Models and tokenised text as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/headscope/model_details.h"

namespace headscope::client {

// A model that workers hold under their roots.
struct Model {
  // Relative to the model root.
  std::string name;
  // 32 raw bytes; empty until a worker has hashed it.
  std::string digest;
  std::string family;
  std::uint32_t layers = 0;
  // Query heads and key-value heads of a layer.
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_dim = 0;
  std::uint32_t vocabulary = 0;
  // Longest sample, in tokens.
  std::uint32_t positions = 0;
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  // As stored: "F32", "BF16", "F16", "F64" or "mixed".
  std::string stored_dtype;
  bool has_tokenizer = false;
  // Why jobs, and text samples, on this model are refused; empty when they are not.
  std::string unsupported;
  std::string tokenizer_unsupported;
  // Connected workers that hold it on disk, and in memory.
  std::vector<std::string> workers;
  std::vector<std::string> resident_workers;
  // Absent where no worker could read the model.
  std::optional<ModelDetails> details;
};

struct TokenizeRequest {
  std::string model;
  // Valid UTF-8, as is the response.
  std::string text;
  // Tokenised without special tokens and appended.
  std::optional<std::string> response;
  // Apply the special tokens that the tokenizer adds. Absent: true.
  std::optional<bool> special_tokens;
};

struct Tokens {
  std::vector<std::uint32_t> ids;
  // The vocabulary's string of every id.
  std::vector<std::string> tokens;
  // The ids decoded.
  std::string text;
  // How many of the ids come from the request's text.
  std::uint32_t prompt_tokens = 0;
};

}  // namespace headscope::client
