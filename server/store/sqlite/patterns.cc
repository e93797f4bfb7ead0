#include "server/store/sqlite/patterns.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/jobs/options_json.h"
#include "server/store/sqlite/blobs.h"
#include "server/store/sqlite/paging.h"
#include "server/store/sqlite/requests.h"

namespace headscope::server::sqlite {
namespace {

// A job's row has what the trigger copied; its samples and its reduction stand with the job.
constexpr char kSelect[] =
    "SELECT pattern.number, pattern.id, job.id, blob, display_name, origin, pattern.model, pattern.model_digest,"
    " pattern.family, pattern.stored_dtype, pattern.layers, pattern.heads, pattern.kv_heads, pattern.head_dim,"
    " COALESCE(job.samples_done, pattern.samples), pattern.create_time, job.reduction"
    " FROM pattern LEFT JOIN job ON job.number = pattern.job ";

absl::StatusOr<PatternRecord> ReadRecord(Database& db, const Rows& rows) {
  PatternRecord record;
  record.number = rows.Int(0);
  record.id = rows.Text(1);
  record.job = rows.Text(2);
  record.blob = rows.Text(3);
  record.display_name = rows.Text(4);
  record.origin = rows.Text(5);
  record.model = rows.Text(6);
  record.model_digest = rows.Text(7);
  record.facts.family = rows.Text(8);
  record.facts.stored_dtype = rows.Text(9);
  record.facts.layers = rows.Uint32(10);
  record.facts.heads = rows.Uint32(11);
  record.facts.kv_heads = rows.Uint32(12);
  record.facts.head_dim = rows.Uint32(13);
  record.samples = rows.Uint(14);
  record.create_time = rows.Time(15);
  if (!rows.IsNull(16)) {
    const absl::StatusOr<ReductionOptions> reduction = ReductionOptionsFromJson(rows.Text(16));
    if (!reduction.ok()) return reduction.status();
    record.head_axis = reduction->head_axis;
  }
  Rows labels = db.Query("SELECT key, value FROM pattern_label WHERE pattern = ?", record.number);
  while (labels.Next()) record.labels[labels.Text(0)] = labels.Text(1);
  return record;
}

// What a page token is bound to: the whole filter in one line.
std::string Question(const PatternFilter& filter) {
  std::string text = absl::StrCat("patterns\n", static_cast<int>(filter.source));
  for (const std::string* part : {&filter.model, &filter.family, &filter.display_name}) {
    absl::StrAppend(&text, "\n", part->size(), " ", *part);
  }
  for (const auto& [key, value] : filter.labels) {
    absl::StrAppend(&text, "\n", key.size(), " ", key, value.size(), " ", value);
  }
  return text;
}

// Only the conditions that there are.
Rows Select(Database& db, const PatternFilter& filter, std::int64_t before, std::uint32_t limit) {
  std::string sql = absl::StrCat(kSelect, "WHERE pattern.number < ?");
  if (filter.source == PatternFilter::Source::kJob) absl::StrAppend(&sql, " AND pattern.job IS NOT NULL");
  if (filter.source == PatternFilter::Source::kImported) absl::StrAppend(&sql, " AND pattern.job IS NULL");
  std::vector<std::string> values;
  const auto require = [&](const char* column, const std::string& value) {
    if (value.empty()) return;
    absl::StrAppend(&sql, " AND ", column, " = ?");
    values.push_back(value);
  };
  require("pattern.model", filter.model);
  require("pattern.family", filter.family);
  require("display_name", filter.display_name);
  for (const auto& [key, value] : filter.labels) {
    absl::StrAppend(&sql, " AND pattern.number IN (SELECT pattern FROM pattern_label WHERE key = ? AND value = ?)");
    values.push_back(key);
    values.push_back(value);
  }
  Rows rows = db.Prepare(absl::StrCat(sql, " ORDER BY pattern.number DESC LIMIT ?"));
  int index = 0;
  db.Bind(rows, ++index, before);
  for (const std::string& value : values) db.Bind(rows, ++index, value);
  db.Bind(rows, ++index, limit);
  return rows;
}

absl::Status NotFound(const std::string& id) {
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("no pattern '", id, "'"), "PATTERN_NOT_FOUND");
}

Request RequestOf(const NewPattern& pattern) {
  return {"default", Made::kPattern, pattern.request_id, pattern.request_hash};
}

// The pattern that this request made before; nullopt when it is new.
absl::StatusOr<std::optional<PatternRecord>> FindImported(Database& db, const NewPattern& pattern) {
  const absl::StatusOr<std::optional<std::string>> made = FindMade(db, RequestOf(pattern));
  if (!made.ok()) return made.status();
  if (!*made) return std::nullopt;
  return FindPattern(db, **made);
}

}  // namespace

absl::StatusOr<PatternRecord> ImportPattern(Change& change, const NewPattern& pattern) {
  absl::StatusOr<std::optional<PatternRecord>> former = FindImported(change.db, pattern);
  if (!former.ok()) return former.status();
  const PatternRecord& record = pattern.record;
  if (*former) {
    GiveUpBlob(change.db, record.blob);
    return **std::move(former);
  }
  if (absl::Status recorded = RecordBlob(change.db, record.blob); !recorded.ok()) return recorded;
  const std::string id = MakeId("p-", change.random);
  change.db.Run(
      "INSERT INTO pattern(id, blob, display_name, origin, model, model_digest, family, stored_dtype, layers, heads,"
      " kv_heads, head_dim, samples, create_time) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      id, record.blob, record.display_name, record.origin, record.model, Blob{record.model_digest},
      record.facts.family, record.facts.stored_dtype, record.facts.layers, record.facts.heads, record.facts.kv_heads,
      record.facts.head_dim, record.samples, change.now);
  const std::int64_t number = change.db.last_insert_rowid();
  RememberMade(change, RequestOf(pattern), id);
  for (const auto& [key, value] : record.labels) {
    change.db.Run("INSERT INTO pattern_label(pattern, key, value) VALUES(?, ?, ?)", number, key, value);
  }
  return FindPattern(change.db, id);
}

absl::StatusOr<PatternRecord> FindPattern(Database& db, const std::string& id) {
  Rows rows = db.Query(absl::StrCat(kSelect, "WHERE pattern.id = ?"), id);
  if (!rows.Next()) return NotFound(id);
  return ReadRecord(db, rows);
}

absl::StatusOr<Page<PatternRecord>> ListPatterns(Database& db, const PatternFilter& filter, const PageRequest& page) {
  return ReadPage(
      {Question(filter)}, page, &PatternRecord::number,
      [&](std::int64_t before, std::uint32_t limit) { return Select(db, filter, before, limit); },
      [&](const Rows& rows) { return ReadRecord(db, rows); });
}

absl::Status DeletePattern(Change& change, const std::string& id) {
  Database& db = change.db;
  const absl::StatusOr<PatternRecord> record = FindPattern(db, id);
  if (!record.ok()) return record.status();
  if (!record->job.empty()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        absl::StrCat("pattern '", id, "' is that of job '", record->job, "' and goes with it; delete the job"),
        "PATTERN_OF_JOB");
  }
  db.Run("DELETE FROM pattern WHERE number = ?", record->number);
  MarkDeleted(db, change.now, Made::kPattern, id);
  ReleaseBlob(db, record->blob);
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
