#include "server/fleet/shard_intake.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/fleet/worker_codec.h"
#include "server/jobs/methods.h"

namespace headscope::server {
namespace {

constexpr std::uint64_t kRepeatBytes = std::uint64_t{4} << 30;
constexpr std::size_t kMaxReasonBytes = 64;

absl::Status Bad(const std::string& what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "shard result: " + what, "BAD_RESULT");
}

std::vector<std::uint32_t> ToVector(const google::protobuf::RepeatedField<std::uint32_t>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

absl::Status IntakeBase::CountBytes(std::uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= max_bytes_) return absl::OkStatus();
  // Not RESOURCE_EXHAUSTED: sending it again would not make it smaller.
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("shard result: more than ", bytes_, " bytes, at most ", max_bytes_, " were expected"),
                   "RESULT_TOO_LARGE");
}

absl::Status IntakeBase::CheckDigest(const std::string& sha256) {
  if (digest_.Finish() == sha256) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "shard result: the blocks that arrived have another digest",
                   "CHECKSUM_MISMATCH");
}

ScoreIntake::ScoreIntake(const Lease& lease, const CatalogueEntry& entry)
    : IntakeBase(worker_codec::MaxResultBytes(lease, entry)),
      shard_(lease.shard),
      planes_(PlanesOf(lease.spec.compute.method)),
      layers_(entry.layers),
      heads_(entry.heads),
      vocabulary_(entry.vocabulary) {
  if (lease.spec.compute.record_tokens) recorded_.emplace();
}

absl::Status ScoreIntake::CheckShapes(const worker::v1::ScoreBlock& block) const {
  const int samples = block.samples_size();
  if (samples == 0) return Bad("a block without samples");
  if (block.tokens_size() != samples || block.response_tokens_size() != samples || block.objective_size() != samples) {
    return Bad(absl::StrCat("a block of ", samples, " samples has ", block.tokens_size(), " token counts, ",
                            block.response_tokens_size(), " response token counts and ", block.objective_size(),
                            " objectives"));
  }
  if (static_cast<std::size_t>(block.planes_size()) != planes_.size()) {
    return Bad(absl::StrCat(block.planes_size(), " planes, the method has ", planes_.size()));
  }
  for (const std::string& name : planes_) {
    const auto plane = block.planes().find(name);
    if (plane == block.planes().end()) return Bad(absl::StrCat("plane ", name, " is missing"));
    const auto& shape = plane->second.shape();
    if (shape.size() != 3 || shape[0] != static_cast<std::uint32_t>(samples) || shape[1] != layers_ ||
        shape[2] != heads_) {
      return Bad(absl::StrCat("plane ", name, " is not [", samples, ", ", layers_, ", ", heads_, "]"));
    }
  }
  return absl::OkStatus();
}

absl::Status ScoreIntake::Add(const worker::v1::ScoreBlock& message) {
  if (absl::Status status = Count(message); !status.ok()) return status;
  if (absl::Status status = CheckShapes(message); !status.ok()) return status;
  ScoreBlock block;
  block.samples = ToVector(message.samples());
  block.tokens = ToVector(message.tokens());
  block.response_tokens = ToVector(message.response_tokens());
  block.objective.assign(message.objective().begin(), message.objective().end());
  block.layers = layers_;
  block.heads = heads_;
  for (const std::string& name : planes_) {
    absl::StatusOr<std::vector<float>> values = DecodeFloat32(message.planes().at(name));
    if (!values.ok()) return Bad(absl::StrCat("plane ", name, ": ", values.status().message()));
    block.planes.emplace(name, *std::move(values));
  }
  if (absl::Status status = CheckScoreBlock(block); !status.ok()) return status;
  for (std::size_t i = 0; i < block.samples.size(); ++i) {
    if (block.response_tokens[i] == 0 || block.response_tokens[i] >= block.tokens[i]) {
      return Bad(absl::StrCat("sample ", block.samples[i], ": ", block.response_tokens[i], " supervised of ",
                              block.tokens[i], " tokens"));
    }
  }
  blocks_.push_back(std::move(block));
  return absl::OkStatus();
}

absl::Status ScoreIntake::Add(const worker::v1::TokenBlock& message) {
  if (absl::Status status = Count(message); !status.ok()) return status;
  if (!recorded_) return Bad("tokens, which the job does not record");
  constexpr std::uint32_t kMaxId = std::numeric_limits<std::int32_t>::max();
  const std::uint32_t most = vocabulary_ == 0 ? kMaxId : std::min(kMaxId, vocabulary_ - 1);
  for (const std::uint32_t id : message.ids()) {
    if (id > most) return Bad(absl::StrCat("a token's id beyond the largest of the model, ", most));
  }
  recorded_->ids.insert(recorded_->ids.end(), message.ids().begin(), message.ids().end());
  const std::string& mask = message.response_mask();
  recorded_->response_mask.insert(recorded_->response_mask.end(), mask.begin(), mask.end());
  for (const std::string& text : message.strings()) {
    recorded_->string_lengths.push_back(static_cast<std::uint32_t>(text.size()));
    recorded_->strings += text;
  }
  return absl::OkStatus();
}

absl::StatusOr<ScoreBlock> ScoreIntake::Finish() {
  absl::StatusOr<ScoreBlock> merged = MergeScores(std::move(blocks_), shard_.samples);
  if (!merged.ok()) return merged.status();
  std::uint64_t tokens = 0;
  for (const std::uint32_t count : merged->tokens) tokens += count;
  if (tokens != shard_.tokens) {
    return Bad(absl::StrCat(tokens, " tokens, ", shard_.tokens, " were counted when the job was prepared"));
  }
  if (recorded_) {
    const absl::Status status = CheckRecordedTokens(*recorded_, merged->tokens, merged->response_tokens);
    if (!status.ok()) return Bad(std::string(status.message()));
    merged->recorded = std::move(recorded_);
  }
  return merged;
}

PrepareIntake::PrepareIntake(const Lease& lease, const CatalogueEntry& entry)
    : IntakeBase(worker_codec::MaxResultBytes(lease, entry)),
      samples_(lease.shard.samples),
      positions_(entry.positions) {}

absl::Status PrepareIntake::AddValid(const worker::v1::PrepareBlock& block) {
  for (int i = 0; i < block.samples_size(); ++i) {
    const PreparedSample sample{block.samples(i), block.tokens(i), block.prompt_tokens(i)};
    if (sample.tokens < 2 || sample.prompt_tokens >= sample.tokens) {
      return Bad(
          absl::StrCat("sample ", sample.index, ": ", sample.prompt_tokens, " prompt of ", sample.tokens, " tokens"));
    }
    if (positions_ != 0 && sample.tokens > positions_) {
      return Bad(absl::StrCat("sample ", sample.index, ": ", sample.tokens, " tokens, the model has ", positions_,
                              " positions"));
    }
    result_.valid.push_back(sample);
  }
  return absl::OkStatus();
}

absl::Status PrepareIntake::Add(const worker::v1::PrepareBlock& block) {
  if (absl::Status status = Count(block); !status.ok()) return status;
  if (block.tokens_size() != block.samples_size() || block.prompt_tokens_size() != block.samples_size()) {
    return Bad(absl::StrCat("a block of ", block.samples_size(), " samples has ", block.tokens_size(),
                            " token counts and ", block.prompt_tokens_size(), " prompt token counts"));
  }
  if (absl::Status status = AddValid(block); !status.ok()) return status;
  for (const headscope::v1::InvalidSample& sample : block.invalid()) {
    if (sample.reason().empty() || sample.reason().size() > kMaxReasonBytes || sample.id().size() > kMaxSampleIdBytes) {
      return Bad(absl::StrCat("sample ", sample.index(), ": a fault needs a reason of at most ", kMaxReasonBytes,
                              " bytes and an id of at most ", kMaxSampleIdBytes));
    }
    result_.invalid.push_back({sample.index(), sample.id(), sample.reason(), sample.message()});
  }
  return absl::OkStatus();
}

absl::StatusOr<PrepareIntake::Result> PrepareIntake::Finish() {
  const auto by_index = [](const auto& a, const auto& b) { return a.index < b.index; };
  std::sort(result_.valid.begin(), result_.valid.end(), by_index);
  std::sort(result_.invalid.begin(), result_.invalid.end(), by_index);
  std::vector<std::uint32_t> named;
  for (const PreparedSample& sample : result_.valid) named.push_back(sample.index);
  for (const InvalidSample& sample : result_.invalid) named.push_back(sample.index);
  std::vector<std::uint32_t> wanted = samples_;
  std::sort(named.begin(), named.end());
  std::sort(wanted.begin(), wanted.end());
  if (named == wanted) return std::move(result_);
  return Bad(absl::StrCat(named.size(), " samples were prepared, the shard has ", wanted.size(),
                          ", each of which must be named once"));
}

TokenizeIntake::TokenizeIntake() : IntakeBase(worker_codec::kMaxTokenizeResultBytes) {}

absl::Status TokenizeIntake::Add(const worker::v1::TokenizeBlock& block) {
  if (absl::Status status = Count(block); !status.ok()) return status;
  answer_.ids.insert(answer_.ids.end(), block.ids().begin(), block.ids().end());
  answer_.tokens.insert(answer_.tokens.end(), block.tokens().begin(), block.tokens().end());
  answer_.text += block.text();
  if (block.has_prompt_tokens()) {
    answer_.prompt_tokens = block.prompt_tokens();
    has_prompt_tokens_ = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenizeAnswer> TokenizeIntake::Finish() {
  if (answer_.tokens.size() != answer_.ids.size() || !has_prompt_tokens_ ||
      answer_.prompt_tokens > answer_.ids.size()) {
    return Bad(absl::StrCat(answer_.ids.size(), " ids, ", answer_.tokens.size(), " tokens and ",
                            has_prompt_tokens_ ? absl::StrCat(answer_.prompt_tokens) : std::string("no"),
                            " prompt tokens do not go together"));
  }
  return std::move(answer_);
}

RepeatIntake::RepeatIntake(std::string accepted) : IntakeBase(kRepeatBytes), accepted_(std::move(accepted)) {}

}  // namespace headscope::server
