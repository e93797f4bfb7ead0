#include "server/fleet/worker_codec.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/worker_protocol.h"
#include "server/fleet/fleet.h"
#include "server/jobs/methods.h"
#include "server/jobs/recorded_tokens.h"

namespace headscope::server::worker_codec {
namespace {

constexpr std::size_t kMaxTextBytes = 1024;
constexpr std::size_t kMaxFailureBytes = 2048;
constexpr std::size_t kMaxDetailsBytes = 64 << 10;
constexpr int kMaxEntries = 100'000;
constexpr std::uint32_t kMaxLayersOrHeads = 16'384;
// Beside the planes of a sample: index, counts, objective, and the messages' framing.
constexpr std::uint64_t kSampleOverheadBytes = 64;
constexpr std::uint64_t kBlockOverheadBytes = 64 << 10;
// A row of a PREPARE result: counts, or an id, a reason and a sentence.
constexpr std::uint64_t kPreparedRowBytes = 1024;

absl::Status Bad(const std::string& what) {
  return MakeError(absl::StatusCode::kInvalidArgument, what, "INVALID_WORKER");
}

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

absl::Status CheckText(const char* field, const std::string& text, std::size_t most) {
  if (text.size() > most) {
    return Bad(absl::StrCat(field, ": ", text.size(), " bytes, at most ", most, " are allowed"));
  }
  return HasControlCharacters(text) ? Bad(absl::StrCat(field, ": holds control characters")) : absl::OkStatus();
}

// A path that stays beneath the model root.
bool IsRelativePath(const std::string& path) {
  if (path.empty() || path.front() == '/' || HasControlCharacters(path)) return false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

bool IsDigestOrEmpty(const std::string& digest) { return digest.empty() || digest.size() == 32; }

absl::Status CheckEntry(const worker::v1::CatalogueEntry& entry) {
  if (entry.model().size() > kMaxModelNameBytes || !IsRelativePath(entry.model())) {
    return Bad(absl::StrCat("catalogue: a model's name must be a relative path of at most ", kMaxModelNameBytes,
                            " bytes, found one of ", entry.model().size()));
  }
  const std::string where = absl::StrCat("catalogue: model ", entry.model(), ": ");
  if (!IsDigestOrEmpty(entry.digest()) || !IsDigestOrEmpty(entry.tokenizer_digest())) {
    return Bad(where + "a digest has 32 bytes");
  }
  if (entry.layers() > kMaxLayersOrHeads || entry.heads() > kMaxLayersOrHeads) {
    return Bad(absl::StrCat(where, entry.layers(), " layers x ", entry.heads(), " heads, at most ", kMaxLayersOrHeads,
                            " of each are taken"));
  }
  if (entry.unsupported().empty() && (entry.layers() == 0 || entry.heads() == 0)) {
    return Bad(where + "supported, yet without layers or heads");
  }
  absl::Status status = CheckText("catalogue: family", entry.family(), kMaxTextBytes);
  status.Update(CheckText("catalogue: stored_dtype", entry.stored_dtype(), kMaxTextBytes));
  if (entry.details().ByteSizeLong() > kMaxDetailsBytes) {
    status.Update(Bad(absl::StrCat(where, "details of ", entry.details().ByteSizeLong(), " bytes, at most ",
                                   kMaxDetailsBytes, " are taken")));
  }
  return status;
}

// Sentences are cut, not refused: a worker is not to be kept out because one of its models has a long story.
std::string CutSentence(const std::string& sentence, std::size_t most) {
  if (sentence.size() <= most) return sentence;
  constexpr std::string_view kMore = "...";
  std::size_t end = most - kMore.size();
  // Not in the middle of a character.
  while (end > 0 && (static_cast<unsigned char>(sentence[end]) & 0xC0) == 0x80) --end;
  return sentence.substr(0, end).append(kMore);
}

CatalogueEntry ToEntry(const worker::v1::CatalogueEntry& message) {
  CatalogueEntry entry;
  entry.model = message.model();
  entry.digest = message.digest();
  entry.family = message.family();
  entry.layers = message.layers();
  entry.heads = message.heads();
  entry.kv_heads = message.kv_heads();
  entry.head_dim = message.head_dim();
  entry.vocabulary = message.vocabulary();
  entry.positions = message.positions();
  entry.parameters = message.parameters();
  entry.weight_bytes = message.weight_bytes();
  entry.stored_dtype = message.stored_dtype();
  entry.has_tokenizer = message.has_tokenizer();
  entry.unsupported = CutSentence(message.unsupported(), kMaxTextBytes);
  entry.tokenizer_unsupported = CutSentence(message.tokenizer_unsupported(), kMaxTextBytes);
  entry.tokenizer_digest = message.tokenizer_digest();
  entry.batch_tokens = message.batch_tokens();
  if (message.has_details()) entry.details = message.details().SerializeAsString();
  return entry;
}

headscope::v1::DType ToMessage(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return headscope::v1::DTYPE_FLOAT32;
    case DType::kFloat64:
      return headscope::v1::DTYPE_FLOAT64;
    case DType::kBFloat16:
      return headscope::v1::DTYPE_BFLOAT16;
  }
  return headscope::v1::DTYPE_UNSPECIFIED;
}

headscope::v1::Compute ToMessage(const ComputeOptions& options) {
  headscope::v1::Compute compute;
  if (options.method == "gradient") compute.mutable_gradient();
  compute.set_dtype(ToMessage(options.dtype));
  compute.set_append_eos(options.append_eos);
  if (options.max_tokens) compute.set_max_tokens(*options.max_tokens);
  compute.set_on_invalid(options.on_invalid == OnInvalid::kSkip ? headscope::v1::ON_INVALID_SKIP
                                                                : headscope::v1::ON_INVALID_REFUSE);
  compute.set_engine(options.engine == EngineKind::kFast ? headscope::v1::ENGINE_FAST
                                                         : headscope::v1::ENGINE_REFERENCE);
  compute.set_record_tokens(options.record_tokens);
  return compute;
}

}  // namespace

absl::StatusOr<std::uint32_t> ProtocolFor(const worker::v1::OpenSessionRequest& request) {
  ProtocolRange worker{request.min_protocol(), request.max_protocol()};
  // A worker that knows of no ranges.
  if (worker.max == 0) worker = {request.protocol_version(), request.protocol_version()};
  if (worker.min > worker.max) {
    return Bad(absl::StrCat("min_protocol: ", worker.min, ", which is above max_protocol, ", worker.max));
  }
  if (const auto agreed = AgreeOnProtocol(kWorkerProtocols, worker)) return *agreed;
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("this server speaks versions ", kWorkerProtocols.min, " to ", kWorkerProtocols.max,
                   " of the worker protocol, the worker versions ", worker.min, " to ", worker.max,
                   ": run the same release on both sides, or releases one minor version apart"),
      "PROTOCOL_UNSUPPORTED");
}

absl::StatusOr<WorkerDescription> DescriptionOf(const worker::v1::OpenSessionRequest& request) {
  if (request.worker_id().empty()) return Bad("worker_id: empty");
  if (request.boot_id().empty() || request.boot_id().size() > 64) {
    return Bad(absl::StrCat("boot_id: ", request.boot_id().size(), " bytes, wanted 1 to 64"));
  }
  absl::Status status = CheckText("worker_id", request.worker_id(), kMaxWorkerIdBytes);
  status.Update(CheckText("build", request.build(), kMaxTextBytes));
  status.Update(CheckText("device", request.device(), kMaxTextBytes));
  if (!status.ok()) return status;
  WorkerDescription worker;
  worker.worker_id = request.worker_id();
  worker.boot_id = request.boot_id();
  worker.build = request.build();
  worker.device = request.device();
  return worker;
}

absl::StatusOr<std::vector<CatalogueEntry>> EntriesOf(const worker::v1::Catalogue& catalogue) {
  if (catalogue.entries_size() > kMaxEntries) {
    return Bad(absl::StrCat("catalogue: ", catalogue.entries_size(), " models, at most ", kMaxEntries, " are taken"));
  }
  std::vector<CatalogueEntry> entries;
  std::set<std::string> names;
  for (const worker::v1::CatalogueEntry& entry : catalogue.entries()) {
    if (absl::Status status = CheckEntry(entry); !status.ok()) return status;
    if (!names.insert(entry.model()).second) return Bad(absl::StrCat("catalogue: ", entry.model(), " stands twice"));
    entries.push_back(ToEntry(entry));
  }
  return entries;
}

std::set<std::string> NamesOf(const google::protobuf::RepeatedPtrField<worker::v1::Resident>& resident) {
  std::set<std::string> names;
  for (const worker::v1::Resident& model : resident) names.insert(model.model());
  return names;
}

ShardFailure FailureOf(const worker::v1::FailShardRequest& request) {
  // A job fails for one of these; anything else a worker says is a fault of ours.
  static const auto& reasons = *new std::set<std::string>{"MODEL_CHANGED", "MODEL_UNSUPPORTED", "NON_FINITE_SCORES",
                                                          "OUT_OF_MEMORY", "INVALID_OPTIONS",   "INTERNAL"};
  ShardFailure failure;
  const std::string& reason = request.failure().reason();
  failure.failure.reason = reasons.count(reason) != 0 ? reason : "INTERNAL";
  failure.failure.message = CutSentence(request.failure().message(), kMaxFailureBytes);
  failure.retryable = request.retryable();
  if (request.has_suggested_batch_tokens()) failure.suggested_batch_tokens = request.suggested_batch_tokens();
  return failure;
}

absl::Status TokenizeError(const worker::v1::FailShardRequest& request) {
  const std::string& reason = request.failure().reason();
  const std::string message = CutSentence(request.failure().message(), kMaxFailureBytes);
  if (reason == "INVALID_TEXT") return MakeError(absl::StatusCode::kInvalidArgument, message, reason);
  if (reason == "NO_TOKENIZER" || reason == "TOKENIZER_UNSUPPORTED" || reason == "MODEL_UNSUPPORTED") {
    return MakeError(absl::StatusCode::kFailedPrecondition, message, reason);
  }
  return absl::InternalError(message);
}

worker::v1::LeaseRef ToRef(const std::string& shard, std::uint64_t fence) {
  worker::v1::LeaseRef ref;
  ref.set_shard(shard);
  ref.set_fence(fence);
  return ref;
}

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration message;
  message.set_seconds(absl::ToInt64Seconds(duration));
  message.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(duration - absl::Seconds(message.seconds()))));
  return message;
}

absl::Duration FromDuration(const google::protobuf::Duration& duration) {
  const absl::Duration value = absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  return value < absl::ZeroDuration() || value > absl::Hours(24 * 365) ? absl::ZeroDuration() : value;
}

std::uint64_t MaxResultBytes(const Lease& lease, const CatalogueEntry& entry) {
  const std::uint64_t samples = lease.shard.samples.size();
  if (lease.shard.phase == Phase::kPrepare) return samples * kPreparedRowBytes + kBlockOverheadBytes;
  const std::uint64_t planes = PlanesOf(lease.spec.compute.method).size();
  const std::uint64_t scores = planes * entry.layers * entry.heads * sizeof(float);
  const std::uint64_t tokens = lease.spec.compute.record_tokens ? lease.shard.tokens * kRecordedTokenBytes : 0;
  // A block repeats the planes' names and shapes; the smallest blocks hold one sample.
  return samples * (scores + kSampleOverheadBytes * (planes + 1)) + tokens + kBlockOverheadBytes;
}

worker::v1::Shard ToShard(const Lease& lease, const CatalogueEntry& entry, absl::Duration no_progress_timeout) {
  worker::v1::Shard shard;
  *shard.mutable_lease() = ToRef(lease.shard.id, lease.shard.fence);
  shard.set_phase(lease.shard.phase == Phase::kPrepare ? worker::v1::PHASE_PREPARE : worker::v1::PHASE_SCORE);
  shard.set_model(lease.spec.model);
  shard.set_model_digest(lease.spec.model_digest);
  shard.set_dataset("datasets/" + lease.spec.dataset);
  shard.mutable_samples()->Assign(lease.shard.samples.begin(), lease.shard.samples.end());
  *shard.mutable_compute() = ToMessage(lease.spec.compute);
  *shard.mutable_no_progress_timeout() = ToDuration(no_progress_timeout);
  shard.set_max_result_bytes(MaxResultBytes(lease, entry));
  shard.set_batch_tokens(lease.shard.batch_tokens);
  return shard;
}

worker::v1::Shard ToShard(const TokenizeBroker::Task& task) {
  worker::v1::Shard shard;
  *shard.mutable_lease() = ToRef(task.id, task.fence);
  shard.set_phase(worker::v1::PHASE_TOKENIZE);
  shard.set_model(task.query.model);
  shard.set_max_result_bytes(kMaxTokenizeResultBytes);
  shard.mutable_tokenize()->set_text(task.query.text);
  if (task.query.response) shard.mutable_tokenize()->set_response(*task.query.response);
  shard.mutable_tokenize()->set_special_tokens(task.query.special_tokens);
  return shard;
}

}  // namespace headscope::server::worker_codec
