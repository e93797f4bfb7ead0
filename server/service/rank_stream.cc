#include "server/service/rank_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/analysis/job_samples.h"
#include "server/analysis/reduction.h"
#include "server/analysis/sample_ids.h"
#include "server/service/analysis_convert.h"
#include "server/service/analysis_tables.h"
#include "server/service/choice.h"
#include "server/service/pattern_reference.h"
#include "server/service/resource_names.h"
#include "server/service/validate.h"
#include "server/service/validate_analysis.h"

namespace headscope::server {
namespace {

constexpr MethodName kMethod{"headscope.v1.PatternService", "RankSamples", RpcType::kClientStream};
constexpr std::uint64_t kDefaultTop = 100;
constexpr std::uint64_t kLeastCandidates = 1000;
// Samples between two questions whether the client still waits.
constexpr std::uint64_t kAskEvery = 256;

absl::Status OutOfOrder(const char* what) {
  return Refused(absl::StrCat("a ranking is a header and, unless that names a job, rows: ", what), "RANK_OUT_OF_ORDER");
}

}  // namespace

RankStream::RankStream(Shared& shared, const grpc::CallbackServerContext& rpc, v1::RankSamplesResponse* response)
    : IncomingStream(shared, rpc, kMethod, response) {
  // Asks no more than this: once the stream has ended, gRPC's context may be gone.
  keep_on_ = [this] { return ended() ? absl::CancelledError("the call has ended") : absl::OkStatus(); };
}

void RankStream::Start() {
  absl::StatusOr<Budget::Share> slot = TakeRankingSlot(shared_);
  if (!slot.ok()) return End(slot.status());
  slot_ = *std::move(slot);
  LimitIdle(shared_.context.rank_idle_limit);
  ReadNext();
}

void RankStream::Post(absl::Status (RankStream::*step)()) {
  const bool posted = shared_.context.analyses.Post([self = Self(), step] {
    if (self->ended()) return;
    if (absl::Status status = ((*self).*step)(); !status.ok()) self->Fail(status);
  });
  if (!posted) End(DrainingError());
}

void RankStream::Fail(const absl::Status& error) {
  if (!IsLost(error)) return End(error);
  const bool posted = shared_.context.store.Post(
      [self = Self(), error](JobStore& store) { self->End(ExplainLoss(store, self->found_, error)); });
  if (!posted) End(DrainingError());
}

void RankStream::OnMessage() {
  if (message_.has_header()) {
    if (header_taken_) return End(OutOfOrder("a second header came"));
    header_taken_ = true;
    return TakeHeader(message_.header());
  }
  if (!message_.has_rows()) return End(OutOfOrder("a message has neither"));
  if (!header_taken_) return End(OutOfOrder("rows came before the header"));
  if (pool_reference_) return End(OutOfOrder("rows came though the header names a job"));
  Post(&RankStream::TakeRows);
}

void RankStream::OnClosed() {
  if (!header_taken_) return End(OutOfOrder("the stream ended without a header"));
  Post(&RankStream::Conclude);
}

void RankStream::OnIdle() {
  // Nothing works on the ranking while it waits for a message.
  Release();
  End(MakeError(absl::StatusCode::kDeadlineExceeded,
                absl::StrCat("the next part of the ranking was awaited for ",
                             absl::FormatDuration(shared_.context.rank_idle_limit),
                             ", nothing came; rank again and send the parts without longer pauses, or start the server "
                             "with a longer --rank-idle-limit"),
                "RANKING_IDLE"));
}

void RankStream::Release() {
  ranking_.reset();
  memory_.reset();
  slot_.reset();
}

RankOptions RankStream::ValidateOptions(const v1::RankSamplesRequest::Header& header, Violations& violations) {
  RankOptions options;
  options.measure = Choice(kRankMeasures, header.measure(), RankMeasure::kCosine, "header.measure", violations);
  options.top = header.has_top() ? header.top() : kDefaultTop;
  CheckNumber(static_cast<double>(options.top), 1, kMaxRankedSamples, "header.top", violations);
  if (!header.has_diversity()) return options;
  options.max_cosine = header.diversity().max_cosine();
  if (!(*options.max_cosine > -1 && *options.max_cosine <= 1)) {
    violations.Add("header.diversity.max_cosine",
                   absl::StrCat("is ", *options.max_cosine, ", above -1 and at most 1 is allowed"));
  }
  options.candidates = std::min(kMaxRankCandidates, std::max(kLeastCandidates, 10 * options.top));
  if (header.diversity().has_candidates()) {
    options.candidates = header.diversity().candidates();
    CheckNumber(static_cast<double>(options.candidates), static_cast<double>(options.top), kMaxRankCandidates,
                "header.diversity.candidates", violations);
  }
  return options;
}

void RankStream::TakeHeader(const v1::RankSamplesRequest::Header& header) {
  Violations violations;
  target_reference_ = ValidateReference(header.target(), "header.target", violations);
  options_ = ValidateOptions(header, violations);
  allow_different_models_ = header.allow_different_models();
  if (!header.pool_job().empty()) {
    v1::PatternReference pool;
    pool.set_name(header.pool_job());
    if (header.has_pool_reduction()) *pool.mutable_reduction() = header.pool_reduction();
    pool_reference_ = ValidateReference(pool, "header.pool_job", violations);
  } else if (header.has_pool_reduction()) {
    violations.Add("header.pool_reduction", "belongs to a `pool_job`, which is not named");
  }
  if (!violations.empty()) return End(violations.status());
  const bool posted = shared_.context.store.Post([self = Self()](JobStore& store) { self->Find(store); });
  if (!posted) End(DrainingError());
}

void RankStream::Find(JobStore& store) {
  if (ended()) return;
  std::vector<PatternReference> references = {target_reference_};
  if (pool_reference_) references.push_back(*pool_reference_);
  absl::StatusOr<std::vector<FoundPattern>> found = FindPatterns(store, references);
  if (!found.ok()) return End(found.status());
  found_ = *std::move(found);
  if (pool_reference_ && !found_[1].job) {
    return End(Refused(absl::StrCat(pool_reference_->title, " was imported: it has no samples to rank"), "NO_SAMPLES"));
  }
  Post(&RankStream::Load);
}

absl::Status RankStream::Load() {
  absl::StatusOr<LoadedPattern> target =
      LoadPattern(found_.front(), allow_different_models_, shared_.context.blobs, keep_on_);
  if (!target.ok()) return target.status();
  const std::uint64_t most = kMaxCandidateValues / target->matrix.size();
  if (options_.max_cosine && std::max(options_.candidates, options_.top) > most) {
    return Refused(absl::StrCat("of ", target->matrix.size(), " heads at most ", most, " candidates are kept, wanted ",
                                std::max(options_.candidates, options_.top), "; ask for fewer"),
                   "TOO_MUCH_WORK");
  }
  absl::StatusOr<SampleRanking> ranking = SampleRanking::Make(target->matrix, options_);
  if (!ranking.ok()) return ranking.status();
  absl::StatusOr<Budget::Share> memory = TakeRankingMemory(shared_, ranking->BytesAtMost(kMaxSampleIdBytes));
  if (!memory.ok()) return memory.status();
  memory_ = *std::move(memory);
  ranking_ = *std::move(ranking);
  if (pool_reference_) {
    if (absl::Status status = CheckPool(*target); !status.ok()) return status;
  }
  identity_ = std::move(target->identity);
  target_ = std::move(target->matrix);
  ReadNext();
  return absl::OkStatus();
}

// The pool's shape is that of its samples, which is checked when they are read; its model is known now.
absl::Status RankStream::CheckPool(const LoadedPattern& target) const {
  LoadedPattern pool;
  pool.title = pool_reference_->title;
  pool.matrix = target.matrix;
  pool.model.facts = found_[1].job->job.model;
  return CheckComparable(target, pool, allow_different_models_);
}

absl::Status RankStream::CheckRows(const v1::RankSamplesRequest::Rows& rows) const {
  const v1::Tensor& scores = rows.scores();
  if (scores.shape_size() != 3 || scores.shape(1) != target_.layers || scores.shape(2) != target_.heads) {
    std::string shape;
    for (const std::uint32_t extent : scores.shape()) absl::StrAppend(&shape, shape.empty() ? "" : " x ", extent);
    return Refused(absl::StrCat("rows have the shape ", shape, ", the target has ", ShapeText(target_),
                                ": [samples, layers, heads] of the target's are needed"),
                   "SHAPE_MISMATCH");
  }
  Violations violations;
  const auto ids = static_cast<std::uint32_t>(rows.ids_size());
  if (ids != 0 && ids != scores.shape(0)) {
    violations.Add("rows.ids", absl::StrCat("has ", ids, " entries for ", scores.shape(0), " samples"));
  }
  for (const std::string& id : rows.ids()) CheckLength(id, kMaxSampleIdBytes, "rows.ids", violations);
  return violations.status();
}

absl::Status RankStream::TakeRows() {
  if (absl::Status status = CheckRows(message_.rows()); !status.ok()) return status;
  const absl::StatusOr<std::vector<double>> scores = DecodeValues(message_.rows().scores());
  if (!scores.ok()) return Refused(std::string(scores.status().message()), "INVALID_FIELDS");
  if (absl::Status status = AddRows(*scores); !status.ok()) return status;
  ReadNext();
  return absl::OkStatus();
}

absl::Status RankStream::AddRows(const std::vector<double>& scores) {
  const std::size_t entries = target_.size();
  const v1::RankSamplesRequest::Rows& rows = message_.rows();
  for (std::uint32_t row = 0; row < rows.scores().shape(0); ++row) {
    const std::uint64_t index = rows_taken_++;
    std::string id = rows.ids_size() > 0 ? rows.ids(static_cast<int>(row)) : absl::StrCat(rows_taken_);
    absl::Status added = ranking_->Add(std::move(id), index, scores.data() + row * entries, entries);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status RankStream::RankJob() {
  const FoundPattern& pool = found_[1];
  const ReductionOptions reduction = pool.reduction();
  auto samples = JobSamples::Open(shared_.context.blobs, pool.job->shards, reduction, pool.job->job.model.kv_heads);
  if (!samples.ok()) return samples.status();
  if (samples->layers() != target_.layers || samples->columns() != target_.heads) {
    PatternMatrix shape{samples->layers(), samples->columns(), {}};
    return CheckSameShape(target_, target_reference_.title, shape, pool_reference_->title);
  }
  const auto dataset = shared_.context.blobs.Open(pool.job->job.spec.dataset);
  if (!dataset.ok()) return dataset.status();
  SampleIds ids(**dataset);
  for (std::uint64_t count = 0;; ++count) {
    if (count % kAskEvery == 0) {
      if (absl::Status status = keep_on_(); !status.ok()) return status;
    }
    const absl::StatusOr<bool> more = samples->Next();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    absl::StatusOr<std::string> id = ids.At(samples->index());
    if (!id.ok()) return id.status();
    std::vector<double> scores = samples->scores();
    if (reduction.layer_norm == LayerNorm::kL2) NormaliseLayers(target_.layers, scores, nullptr);
    absl::Status added = ranking_->Add(*std::move(id), samples->index(), scores.data(), scores.size());
    if (!added.ok()) return added;
  }
}

absl::Status RankStream::Conclude() {
  if (pool_reference_) {
    if (absl::Status status = RankJob(); !status.ok()) return status;
  }
  v1::RankSamplesResponse answer;
  FillRanking(ranking_->Finish(), answer);
  *answer.mutable_target() = identity_;
  answer.set_measure(ToProto(kRankMeasures, options_.measure));
  const std::size_t size = answer.ByteSizeLong();
  if (size > static_cast<std::size_t>(kMaxMessageBytes) - kMaxMetadataBytes) {
    return Refused(absl::StrCat("the answer has ", size, " bytes, at most ", kMaxMessageBytes,
                                " can be sent; ask for fewer samples"),
                   "ANSWER_TOO_LARGE");
  }
  Release();
  Close(absl::OkStatus(), std::move(answer));
  return absl::OkStatus();
}

}  // namespace headscope::server
