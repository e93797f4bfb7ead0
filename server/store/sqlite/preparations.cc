#include "server/store/sqlite/preparations.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/jobs/backoff.h"
#include "server/jobs/methods.h"
#include "server/jobs/names.h"
#include "server/jobs/recorded_tokens.h"
#include "server/store/sqlite/blob_codec.h"
#include "server/store/sqlite/catalogue.h"
#include "server/store/sqlite/job_end.h"
#include "server/store/sqlite/paging.h"

namespace headscope::server::sqlite {
namespace {

std::map<std::string, std::uint64_t> InvalidByReason(Database& db, std::int64_t preparation) {
  std::map<std::string, std::uint64_t> counts;
  Rows rows = db.Query("SELECT reason, samples FROM invalid_reason WHERE preparation = ?", preparation);
  while (rows.Next()) counts[rows.Text(0)] = rows.Uint(1);
  return counts;
}

std::uint64_t Sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : counts) sum += count;
  return sum;
}

// "2 of 10 samples cannot be taken by the model (TOO_LONG 2); the first is sample 3, 'a': ..."
JobFailure InvalidSamplesFailure(Database& db, const JobRow& row, const std::map<std::string, std::uint64_t>& counts,
                                 std::uint64_t samples) {
  std::string message = absl::StrCat(Sum(counts), " of ", samples, " samples cannot be taken by the model (");
  const char* separator = "";
  for (const auto& [reason, count] : counts) {
    absl::StrAppend(&message, separator, reason, " ", count);
    separator = ", ";
  }
  Rows first =
      db.Query("SELECT position, id, message FROM invalid_sample WHERE preparation = ? ORDER BY position LIMIT 1",
               row.preparation);
  if (first.Next()) {
    absl::StrAppend(&message, "); the first is sample ", first.Int(0), ", '", first.Text(1), "': ", first.Text(2));
  }
  return {"INVALID_SAMPLES", std::move(message)};
}

absl::StatusOr<std::vector<PreparedSample>> LoadPrepared(Database& db, std::int64_t preparation) {
  std::vector<PreparedSample> samples;
  Rows rows = db.Query("SELECT samples FROM prepared_part WHERE preparation = ? ORDER BY ordinal", preparation);
  while (rows.Next()) {
    if (absl::Status status = DecodePrepared(rows.Text(0), samples); !status.ok()) return status;
  }
  return samples;
}

ScoreLimits LimitsFor(Database& db, const JobSpec& spec) {
  ScoreLimits limits;
  const std::optional<CatalogueEntry> model = FindEntry(db, spec.model, spec.model_digest);
  const std::size_t planes = PlanesOf(spec.compute.method).size();
  if (model) limits.bytes_per_sample = ResultBytesPerSample(model->layers, model->heads, planes);
  if (spec.compute.record_tokens) limits.bytes_per_token = kRecordedTokenBytes;
  return limits;
}

// Workers speak of the fast engine only.
std::uint32_t RecommendedBatchTokens(Database& db, const JobSpec& spec) {
  if (spec.compute.engine != EngineKind::kFast) return 0;
  return AgreeableBatchTokens(db, spec.model, spec.model_digest);
}

}  // namespace

std::optional<std::int64_t> FindReusablePreparation(Database& db, const JobSpec& spec, const CatalogueEntry& model) {
  Rows rows = db.Query(
      "SELECT number FROM preparation WHERE reusable AND dataset = ? AND append_eos = ? AND max_tokens IS ?"
      " AND (model_digest = ? OR (tokenizer_digest = ? AND positions = ? AND vocabulary = ?)) LIMIT 1",
      spec.dataset, spec.compute.append_eos, spec.compute.max_tokens, Blob{model.digest}, Blob{model.tokenizer_digest},
      model.positions, model.vocabulary);
  if (!rows.Next()) return std::nullopt;
  return rows.Int(0);
}

std::int64_t NewPreparation(Change& change, const JobSpec& spec) {
  change.db.Run("INSERT INTO preparation(dataset, append_eos, max_tokens) VALUES(?, ?, ?)", spec.dataset,
                spec.compute.append_eos, spec.compute.max_tokens);
  return change.db.last_insert_rowid();
}

void AddPart(Change& change, std::int64_t preparation, std::uint32_t ordinal, const std::vector<PreparedSample>& valid,
             const std::vector<InvalidSample>& invalid) {
  std::vector<PreparedSample> ordered = valid;
  std::sort(ordered.begin(), ordered.end(),
            [](const PreparedSample& left, const PreparedSample& right) { return left.index < right.index; });
  change.db.Run("INSERT INTO prepared_part(preparation, ordinal, samples) VALUES(?, ?, ?)", preparation, ordinal,
                Blob{EncodePrepared(ordered)});
  std::map<std::string, std::uint64_t> counts;
  for (const InvalidSample& sample : invalid) {
    change.db.Run("INSERT INTO invalid_sample(preparation, position, id, reason, message) VALUES(?, ?, ?, ?, ?)",
                  preparation, sample.index, sample.id, sample.reason, sample.message);
    ++counts[sample.reason];
  }
  for (const auto& [reason, count] : counts) {
    change.db.Run(
        "INSERT INTO invalid_reason(preparation, reason, samples) VALUES(?, ?, ?)"
        " ON CONFLICT(preparation, reason) DO UPDATE SET samples = samples + excluded.samples",
        preparation, reason, count);
  }
}

void FinishPreparation(Change& change, std::int64_t preparation, const JobSpec& spec) {
  // These two tell what a build and a model's configuration could do, not what the tokenizer is.
  Rows barred = change.db.Query(
      "SELECT 1 FROM invalid_reason WHERE preparation = ? AND reason IN ('NO_TOKENIZER', 'NO_END_OF_SEQUENCE')",
      preparation);
  if (barred.Next()) return;
  change.db.Run("UPDATE preparation SET reusable = 1, model_digest = ? WHERE number = ?", Blob{spec.model_digest},
                preparation);
  const std::optional<CatalogueEntry> model = FindEntry(change.db, spec.model, spec.model_digest);
  if (!model || model->tokenizer_digest.empty()) return;
  change.db.Run("UPDATE preparation SET tokenizer_digest = ?, positions = ?, vocabulary = ? WHERE number = ?",
                Blob{model->tokenizer_digest}, model->positions, model->vocabulary, preparation);
}

absl::Status PlanScore(Change& change, std::int64_t job_number) {
  const absl::StatusOr<JobRow> row = FindJob(change.db, job_number);
  if (!row.ok()) return row.status();
  const JobSpec& spec = row->job.spec;
  absl::StatusOr<std::vector<PreparedSample>> samples = LoadPrepared(change.db, row->preparation);
  if (!samples.ok()) return samples.status();
  const std::map<std::string, std::uint64_t> invalid = InvalidByReason(change.db, row->preparation);
  change.db.Run("UPDATE job SET invalid_samples = ? WHERE number = ?", Sum(invalid), job_number);
  change.Touched(row->job.id);
  if (samples->empty() || (!invalid.empty() && spec.compute.on_invalid == OnInvalid::kRefuse)) {
    return EndJob(change, *row, JobAction::kFail,
                  InvalidSamplesFailure(change.db, *row, invalid, samples->size() + Sum(invalid)));
  }
  const std::uint32_t batch_tokens = ResolveBatchTokens(spec.batch_tokens, RecommendedBatchTokens(change.db, spec));
  std::uint64_t tokens = 0;
  for (const PreparedSample& sample : *samples) tokens += sample.tokens;
  change.db.Run("UPDATE job SET prepared = 1, batch_tokens = ?, samples_total = ?, tokens_total = ? WHERE number = ?",
                batch_tokens, samples->size(), tokens, job_number);
  ScoreLimits limits = LimitsFor(change.db, spec);
  limits.tokens = ShardTokensFor(batch_tokens);
  InsertShards(change, job_number, Phase::kScore, PlanScoreShards(*samples, limits), batch_tokens);
  return absl::OkStatus();
}

void InsertShards(Change& change, std::int64_t job_number, Phase phase, const std::vector<PlannedShard>& shards,
                  std::uint32_t batch_tokens) {
  std::uint32_t ordinal = 0;
  for (const PlannedShard& shard : shards) {
    change.db.Run(
        "INSERT INTO shard(job, phase, ordinal, samples, sample_count, tokens, batch_tokens, run_after)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        job_number, Name(phase), ordinal++, Blob{EncodePositions(shard.samples)}, shard.samples.size(), shard.tokens,
        batch_tokens, kNoBackoff);
  }
  change.effect.work_available = true;
}

absl::StatusOr<Page<InvalidSample>> ListInvalidSamples(Database& db, const std::string& job, const PageRequest& page) {
  const absl::StatusOr<JobRow> row = FindJob(db, job);
  if (!row.ok()) return row.status();
  return ReadPage(
      {absl::StrCat("invalid samples of ", job), -1}, page, &InvalidSample::index,
      [&](std::int64_t after, std::uint32_t limit) {
        return db.Query(
            "SELECT position, id, reason, message FROM invalid_sample WHERE preparation = ? AND position > ?"
            " ORDER BY position LIMIT ?",
            row->preparation, after, limit);
      },
      [](const Rows& rows) -> absl::StatusOr<InvalidSample> {
        return InvalidSample{rows.Uint32(0), rows.Text(1), rows.Text(2), rows.Text(3)};
      });
}

absl::StatusOr<std::map<std::string, std::uint64_t>> CountInvalidSamples(Database& db, const std::string& job) {
  const absl::StatusOr<JobRow> row = FindJob(db, job);
  if (!row.ok()) return row.status();
  return InvalidByReason(db, row->preparation);
}

}  // namespace headscope::server::sqlite
