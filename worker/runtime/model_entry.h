// What is known of one model directory.
#pragma once

#include <cstdint>
#include <string>

namespace headscope::worker {

// A plain value; the worker's form of headscope.worker.v1.CatalogueEntry.
struct ModelEntry {
  // Path relative to the model root.
  std::string name;
  // Where it is.
  std::string directory;
  // SHA-256 (32 raw bytes) over every file that is read; empty until hashed.
  std::string digest;
  std::string family;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_dim = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t positions = 0;
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  std::string stored_dtype;
  // There is a tokenizer.json, or vocab.json and merges.txt.
  bool has_tokenizer = false;
  // Why the model cannot be run; empty when it can.
  std::string unsupported;
  // Why text is not accepted although there is a tokenizer; empty when it is.
  std::string tokenizer_unsupported;
  // SHA-256 over the files that decide what a text becomes; empty until hashed.
  std::string tokenizer_digest;
  // RecommendBatchTokens for the worker's device.
  std::uint32_t batch_tokens = 0;

  friend bool operator==(const ModelEntry&, const ModelEntry&) = default;
};

}  // namespace headscope::worker
