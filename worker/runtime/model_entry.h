// What is known of one model directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headscope::worker {

// Layers that attend alike.
struct AttentionGroup {
  std::vector<std::uint32_t> layers;
  // Keys that a query sees, itself included; absent: all earlier ones.
  std::optional<std::uint64_t> window;
  std::optional<double> score_soft_cap;
  // "default", "llama3", ... and its numbers by their names in config.json; empty with learned positions.
  std::string rope;
  std::vector<std::pair<std::string, double>> rope_numbers;
  std::uint32_t rotary_dimensions = 0;

  friend bool operator==(const AttentionGroup&, const AttentionGroup&) = default;
};

// What a tokenizer.json is made of, each named by its types there ("Sequence(Split, ByteLevel)"); empty: none.
struct TokenizerComponents {
  std::string normalizer;
  std::string pre_tokenizer;
  std::string model;
  std::string post_processor;
  std::string decoder;

  friend bool operator==(const TokenizerComponents&, const TokenizerComponents&) = default;
};

// What makes an adapter of a model.
struct AdapterEntry {
  // The base model: its name, where it is, and its digest, empty until hashed.
  std::string base;
  std::string base_directory;
  std::string base_digest;
  std::uint64_t base_parameters = 0;
  std::uint32_t rank = 0;
  double alpha = 0.0;
  bool rank_stabilised = false;
  std::vector<std::string> targets;
  std::vector<std::string> replaced;
  // Its own alone.
  std::uint64_t parameters = 0;

  friend bool operator==(const AdapterEntry&, const AdapterEntry&) = default;
};

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
  std::uint32_t width = 0;
  std::uint32_t mlp_width = 0;
  // Parameters by their dtype in the files.
  std::vector<std::pair<std::string, std::uint64_t>> stored_parameters;
  std::vector<AttentionGroup> attention;
  // Activations that the fast engine keeps.
  std::uint64_t bytes_per_token = 0;
  // Whether it computes in float64 when float32 is asked for.
  bool float64_arithmetic = false;
  // What of the files is not used although one might think so.
  std::vector<std::string> notes;
  // Of an adapter: parameters and weight_bytes count the base's too.
  std::optional<AdapterEntry> adapter;
  // There is a tokenizer.json, or vocab.json and merges.txt.
  bool has_tokenizer = false;
  // Where the tokenizer's files are: an adapter may have its base's.
  std::string tokenizer_directory;
  // Empty until the tokenizer was read.
  TokenizerComponents tokenizer;
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
