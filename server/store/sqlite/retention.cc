#include "server/store/sqlite/retention.h"

#include <utility>

#include "server/store/sqlite/datasets.h"
#include "server/store/sqlite/job_end.h"
#include "server/store/sqlite/requests.h"

namespace headscope::server::sqlite {
namespace {

std::vector<std::string> Texts(Rows rows) {
  std::vector<std::string> texts;
  while (rows.Next()) texts.push_back(rows.Text(0));
  return texts;
}

// Jobs of a sweep whose other cells go on stay: the sweep is read as a whole.
std::vector<std::string> JobsThatAreOver(Change& change, const RetentionPolicy& policy, std::int64_t limit) {
  std::optional<absl::Time> ended_before;
  if (policy.keep) ended_before = change.now - *policy.keep;
  return Texts(change.db.Query(
      "SELECT id FROM job WHERE end_time IS NOT NULL"
      " AND (expire_time <= ?1 OR (expire_time IS NULL AND end_time <= ?2))"
      " AND NOT EXISTS(SELECT 1 FROM job AS other WHERE other.sweep = job.sweep AND other.end_time IS NULL)"
      " ORDER BY end_time LIMIT ?3",
      change.now, ended_before, limit));
}

// Sweeps without a job that made no cell lately; their cells' ends are kept in the cells.
void DeleteSweepsThatAreOver(Change& change, absl::Time before, std::int64_t limit) {
  const std::vector<std::string> sweeps = Texts(change.db.Query(
      "SELECT id FROM sweep WHERE create_time <= ?1 AND NOT EXISTS(SELECT 1 FROM job WHERE job.sweep = sweep.number)"
      " AND NOT EXISTS(SELECT 1 FROM sweep_cell WHERE sweep_cell.sweep = sweep.number AND deleted_end_time > ?1)"
      " ORDER BY number LIMIT ?2",
      before, limit));
  for (const std::string& id : sweeps) {
    change.db.Run("DELETE FROM sweep WHERE id = ?", id);
    MarkDeleted(change.db, change.now, Made::kSweep, id);
  }
}

absl::Status DeleteUnusedDatasets(Change& change, absl::Time before, std::int64_t limit) {
  const std::vector<std::string> unused = Texts(change.db.Query(
      "SELECT digest FROM dataset WHERE use_time <= ? AND NOT EXISTS"
      " (SELECT 1 FROM job WHERE job.dataset = dataset.digest AND job.project = dataset.project)"
      " ORDER BY number LIMIT ?",
      before, limit));
  for (const std::string& digest : unused) {
    if (absl::Status deleted = DeleteDataset(change.db, digest); !deleted.ok()) return deleted;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Retired> Retire(Change& change, const RetentionPolicy& policy, std::size_t limit) {
  const auto rows = static_cast<std::int64_t>(limit);
  Retired retired;
  retired.jobs = JobsThatAreOver(change, policy, rows);
  retired.more = retired.jobs.size() == limit;
  for (const std::string& job : retired.jobs) {
    if (absl::Status deleted = DeleteJob(change, job); !deleted.ok()) return deleted;
  }
  if (policy.keep) {
    const absl::Time before = change.now - *policy.keep;
    DeleteSweepsThatAreOver(change, before, rows);
    if (absl::Status deleted = DeleteUnusedDatasets(change, before, rows); !deleted.ok()) return deleted;
  }
  change.db.Run("DELETE FROM request WHERE delete_time <= ?", change.now - policy.keep_requests);
  const std::int64_t gone =
      change.db.Run("DELETE FROM worker WHERE session IS NULL AND expire_time < ?", change.now - policy.keep_workers);
  if (gone > 0) change.db.Run("DELETE FROM catalogue WHERE worker_id NOT IN (SELECT worker_id FROM worker)");
  return retired;
}

}  // namespace headscope::server::sqlite
