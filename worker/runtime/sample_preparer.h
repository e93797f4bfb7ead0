// From a sample to token ids, or to the reason why the model cannot take it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "proto/support/sample.h"
#include "worker/model/tokenizer/sample_encoder.h"
#include "worker/runtime/model_entry.h"
#include "worker/runtime/shard.h"
#include "worker/runtime/tokenizer_cache.h"

namespace headscope::worker {

// Why a sample is invalid; see InvalidSample.
struct SampleFault {
  std::string reason;
  std::string message;
};

// Encodes samples for one model and one set of options. Immutable: thread-safe.
class SamplePreparer {
 public:
  // `model` is complete (ModelCatalogue::Resolve). Needs no tokenizer as long as no text comes. Errors: what keeps the
  // tokenizer's files from being read and may pass.
  static absl::StatusOr<SamplePreparer> Make(const ModelEntry& model, const ComputeRequest& compute,
                                             TokenizerCache& tokenizers);

  std::variant<EncodedSample, SampleFault> Prepare(const Sample& sample) const;
  // Of the model; null where there is none that can be used. Lives as long as this.
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }

 private:
  SamplePreparer() = default;
  absl::StatusOr<EncodedSample> Encode(const Sample& sample, const EncodeOptions& options) const;
  std::string ReasonOf(const Sample& sample) const;

  EncodeOptions options_;
  // Null where there is none that can be used; then this says why.
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::string no_tokenizer_;
  // Set when the end-of-sequence token is wanted and not to be found.
  std::string no_end_of_sequence_;
};

}  // namespace headscope::worker
