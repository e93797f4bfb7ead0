// Shards and what becomes of them, as plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "proto/support/sample.h"

namespace headscope::worker {

// A sample and its position in its dataset.
struct ShardSample {
  std::uint32_t index = 0;
  Sample sample = {};
};

// What is computed, with every default resolved.
struct ComputeRequest {
  std::string method = "gradient";
  std::string engine = "fast";
  std::string dtype = "float32";
  bool append_eos = true;
  std::optional<std::uint32_t> max_tokens = {};
  // Hand in the samples' tokens with their scores.
  bool record_tokens = false;
};

struct ShardInput {
  // Path relative to the model root.
  std::string model = {};
  // 32 raw bytes; empty when the job is not pinned yet.
  std::string model_digest = {};
  ComputeRequest compute = {};
  std::vector<ShardSample> samples = {};
  // Tokens in one batch, with an engine that pads padding included (SCORE).
  std::uint32_t batch_tokens = 0;
  // Bytes that the result may take; 0: any.
  std::uint64_t max_result_bytes = 0;
};

// How a running shard is watched and stopped. All functions may be null; they are called on several threads
// where nothing else is said.
struct ShardControl {
  // True: stop at once (asked between samples, batches and layers).
  std::function<bool()> cancelled = {};
  // True: stop after the batch at hand.
  std::function<bool()> stop_after_batch = {};
  // After every batch: samples and tokens (without padding) done so far.
  std::function<void(std::uint64_t samples, std::uint64_t tokens)> progress = {};
  // Little is left to compute: the device will be free soon. Called at most once, on the thread that scores.
  std::function<void()> nearly_done = {};
  // A batch that takes longer than this is given up.
  absl::Duration no_progress_timeout = absl::InfiniteDuration();
};

struct InvalidSample {
  std::uint32_t index = 0;
  std::string id = {};
  // EMPTY_RESPONSE, TOO_LONG, TOKEN_OUT_OF_RANGE, INVALID_TEXT, NO_TOKENIZER or NO_END_OF_SEQUENCE.
  std::string reason = {};
  std::string message = {};
};

struct PreparedSample {
  std::uint32_t index = 0;
  std::uint32_t tokens = 0;
  std::uint32_t prompt_tokens = 0;
};

struct PrepareResult {
  // What was found under the model's name.
  std::string model_digest = {};
  std::vector<PreparedSample> valid = {};
  std::vector<InvalidSample> invalid = {};
};

// Tokens of a shard, its samples laid end to end.
struct TokenRecord {
  std::vector<std::uint32_t> ids = {};
  // [ids] bytes, 1: supervised, the token's prediction counts; 0: not.
  std::string response_mask = {};
  // [ids] vocabulary strings; none where the model has no tokenizer that can be used.
  std::vector<std::string> strings = {};
};

// Scores of a shard, samples in the shard's order.
struct ScoreResult {
  std::string model_digest = {};
  // Tokens per batch that were used: less than asked for after memory ran out.
  std::uint32_t batch_tokens = 0;
  std::uint64_t batches = 0;
  std::uint64_t padded_tokens = 0;
  double compute_seconds = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  // [samples]
  std::vector<std::uint32_t> samples = {};
  std::vector<std::uint32_t> tokens = {};
  std::vector<std::uint32_t> response_tokens = {};
  std::vector<double> objective = {};
  // [samples, layers, heads], row-major, by plane name.
  std::map<std::string, std::vector<float>> planes = {};
  // Where the shard asks for it.
  std::optional<TokenRecord> recorded = {};
};

struct TokenizeInput {
  std::string model = {};
  std::string text = {};
  std::optional<std::string> response = {};
  bool special_tokens = true;
};

struct TokenizeResult {
  std::string model_digest = {};
  std::vector<std::uint32_t> ids = {};
  // Vocabulary strings of the ids.
  std::vector<std::string> tokens = {};
  // Decoded.
  std::string text = {};
  std::optional<std::uint32_t> prompt_tokens = {};
};

// The shard failed; see headscope.v1.Failure.reason.
struct ShardFailure {
  std::string reason = {};
  std::string message = {};
  // Another attempt may succeed.
  bool retryable = false;
  // Out of memory: try again with this many tokens per batch.
  std::optional<std::uint32_t> suggested_batch_tokens = {};
};

// The shard was stopped by its control before its end.
struct ShardStopped {};

template <typename Result>
using ShardOutcome = std::variant<Result, ShardFailure, ShardStopped>;

}  // namespace headscope::worker
