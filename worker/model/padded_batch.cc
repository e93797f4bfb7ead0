#include "worker/model/padded_batch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

absl::Status SampleError(std::int64_t sample, const std::string& text) {
  return absl::InvalidArgumentError(absl::StrCat("sample ", sample, " of the batch: ", text));
}

absl::Status CheckOffsets(const PackedBatch& batch) {
  const auto samples = static_cast<std::size_t>(batch.size());
  bool valid = samples > 0 && batch.offsets.size() == samples + 1 && batch.offsets.front() == 0 &&
               batch.offsets.back() == static_cast<std::int64_t>(batch.token_ids.size());
  for (std::size_t i = 0; valid && i < samples; ++i) valid = batch.offsets[i] <= batch.offsets[i + 1];
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError("the batch has no samples, or its offsets do not fit its tokens");
}

absl::Status CheckSample(const PackedBatch& batch, std::int64_t sample, const DecoderSpec& spec) {
  const std::int64_t length = batch.Length(sample), prompt = batch.prompt_tokens[sample];
  if (length > spec.positions) {
    return SampleError(sample, absl::StrCat("has ", length, " tokens, the model has ", spec.positions, " positions"));
  }
  if (prompt < 0 || batch.ResponseTokens(sample) < 1) {
    return SampleError(
        sample, absl::StrCat("has ", length, " tokens of which ", prompt, " are prompt: no token is supervised"));
  }
  for (std::int64_t i = batch.offsets[sample]; i < batch.offsets[sample + 1]; ++i) {
    if (batch.token_ids[i] >= 0 && batch.token_ids[i] < spec.vocabulary) continue;
    return SampleError(sample, absl::StrCat("token ", i - batch.offsets[sample], " has id ", batch.token_ids[i],
                                            ", the vocabulary has ", spec.vocabulary, " entries"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBatch(const PackedBatch& batch, const DecoderSpec& spec) {
  absl::Status status = CheckOffsets(batch);
  for (std::int64_t sample = 0; status.ok() && sample < batch.size(); ++sample) {
    status = CheckSample(batch, sample, spec);
  }
  return status;
}

absl::Status CheckGates(const std::vector<float>& gates, const PackedBatch& batch, const DecoderSpec& spec) {
  const std::int64_t wanted = batch.size() * spec.layers * spec.heads;
  if (gates.empty() || static_cast<std::int64_t>(gates.size()) == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("gates must be empty or ", wanted, " values [samples, layers, heads], found ", gates.size()));
}

PaddedBatch PadBatch(const PackedBatch& batch) {
  PaddedBatch padded;
  padded.samples = batch.size();
  for (std::int64_t sample = 0; sample < padded.samples; ++sample) {
    padded.length = std::max(padded.length, batch.Length(sample));
  }
  padded.token_ids.assign(static_cast<std::size_t>(padded.samples * padded.length), 0);
  for (std::int64_t sample = 0; sample < padded.samples; ++sample) {
    const std::int64_t begin = batch.offsets[sample], length = batch.Length(sample);
    std::copy_n(batch.token_ids.begin() + begin, length, padded.token_ids.begin() + sample * padded.length);
    for (std::int64_t token = length - batch.ResponseTokens(sample); token < length; ++token) {
      padded.predictions.push_back({sample, sample * padded.length + token - 1, batch.token_ids[begin + token]});
    }
  }
  return padded;
}

}  // namespace headscope::worker
