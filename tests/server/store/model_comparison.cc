#include "tests/server/store/model_comparison.h"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "server/jobs/names.h"

namespace headscope::server {
namespace {

std::string Show(const std::optional<absl::Time>& time) { return time ? absl::FormatTime(*time) : "never"; }

std::string JobsDifference(JobStore& store, const ReferenceModel& model) {
  const std::map<std::string, std::string> shown = DescribeJobs(store, model);
  for (const auto& [id, job] : model.jobs()) {
    const std::string wanted = Describe(job.visible);
    if (shown.at(id) != wanted) return absl::StrCat("job ", id, "\n  store ", shown.at(id), "\n  model ", wanted);
  }
  return "";
}

// The back-off ends at a random time, so some shards may or may not be leasable.
std::string CandidatesDifference(JobStore& store, const ReferenceModel& model) {
  const auto candidates = store.Candidates();
  if (!candidates.ok()) return candidates.status().ToString();
  std::map<std::string, std::string> offered;
  for (const Candidate& candidate : *candidates) {
    if (!offered.emplace(candidate.job, candidate.shard).second) return "two candidates of job " + candidate.job;
    if (model.Leasable(candidate.shard) == Expect::kNo) return "not leasable: " + candidate.shard;
  }
  for (const auto& [id, job] : model.jobs()) {
    const std::uint32_t none = 1'000'000;
    std::uint32_t first_sure = none;
    std::uint32_t shown = none;
    std::uint32_t leased = 0;
    for (const auto& [name, shard] : job.shards) {
      const std::uint32_t ordinal = std::stoul(name.substr(name.rfind('.') + 2));
      if (model.Leasable(name) == Expect::kYes) first_sure = std::min(first_sure, ordinal);
      if (offered.contains(id) && offered[id] == name) shown = ordinal;
      leased += shard.state == ShardState::kLeased ? 1 : 0;
    }
    if (shown > first_sure) return absl::StrCat("job ", id, " should offer shard ", first_sure);
    for (const Candidate& candidate : *candidates) {
      if (candidate.job == id && candidate.leased_shards != leased) return "leased shards of " + candidate.shard;
    }
  }
  return "";
}

std::string StatsDifference(JobStore& store, const ReferenceModel& model) {
  const auto stats = store.Stats();
  if (!stats.ok()) return stats.status().ToString();
  QueueStats wanted;
  for (const auto& [id, job] : model.jobs()) {
    const auto queue = std::make_pair(job.request.spec.model, job.request.spec.priority);
    if (job.visible.state == JobState::kQueued || job.visible.state == JobState::kPreparing) {
      ++wanted.queued_jobs;
      ++wanted.depth[queue];
    }
    for (const auto& [name, shard] : job.shards) {
      if (shard.state == ShardState::kLeased) ++wanted.leases_active;
      if (shard.state == ShardState::kQueued) ++wanted.shards[queue];
    }
  }
  if (stats->queued_jobs != wanted.queued_jobs) return "queued jobs";
  if (stats->leases_active != wanted.leases_active) return "active leases";
  if (stats->depth != wanted.depth) return "queue depth";
  if (stats->shards != wanted.shards) return "queued shards";
  return "";
}

// A pattern for every job that has succeeded, and the imported ones, the newest first.
std::string PatternsDifference(JobStore& store, const ReferenceModel& model, std::vector<std::string> imported) {
  const auto page = store.ListPatterns({}, {1000, ""});
  if (!page.ok()) return page.status().ToString();
  std::set<std::string> succeeded;
  for (const auto& [id, job] : model.jobs()) {
    if (job.visible.state == JobState::kSucceeded) succeeded.insert(id);
  }
  std::set<std::string> of_jobs;
  std::vector<std::string> others;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  for (const PatternRecord& pattern : page->items) {
    if (pattern.number >= last) return "patterns are not listed from the newest";
    last = pattern.number;
    if (pattern.job.empty()) others.push_back(pattern.id);
    if (!pattern.job.empty()) of_jobs.insert(pattern.job);
  }
  if (of_jobs != succeeded) return absl::StrCat(of_jobs.size(), " patterns of ", succeeded.size(), " succeeded jobs");
  std::reverse(imported.begin(), imported.end());
  return others == imported ? "" : absl::StrCat(others.size(), " imported patterns, not ", imported.size());
}

}  // namespace

std::string Describe(const Job& job) {
  const JobCounts& counts = job.counts;
  std::string text = absl::StrCat(std::string(Name(job.state)), job.cancel_requested ? " cancelling" : "",
                                  job.prepared ? " prepared" : "", job.failure ? " " + job.failure->reason : "");
  absl::StrAppend(&text, " digest ", ToHex(job.spec.model_digest).substr(0, 4), " batch ",
                  job.spec.batch_tokens.value_or(0), " samples ", counts.samples_done, "/", counts.samples_total,
                  " tokens ", counts.tokens_done, "/", counts.tokens_total, " response ", counts.response_tokens);
  absl::StrAppend(&text, " invalid ", counts.invalid_samples, " attempts ", counts.attempts, " halved ",
                  counts.halved_shards, " kept ", job.tokens_kept, " times ", absl::FormatTime(job.create_time), " ",
                  absl::FormatTime(job.queue_time), " ", Show(job.start_time), " ",
                  Show(job.end_time));
  return text;
}

std::map<std::string, std::string> DescribeJobs(JobStore& store, const ReferenceModel& model) {
  std::map<std::string, std::string> shown;
  for (const auto& [id, job] : model.jobs()) {
    const auto stored = store.GetJob(id);
    shown[id] = stored.ok() ? Describe(*stored) : stored.status().ToString();
  }
  return shown;
}

std::string Difference(JobStore& store, const ReferenceModel& model, const std::vector<std::string>& imported) {
  std::string difference = JobsDifference(store, model);
  if (difference.empty()) difference = CandidatesDifference(store, model);
  if (difference.empty()) difference = StatsDifference(store, model);
  if (difference.empty()) difference = PatternsDifference(store, model, imported);
  return difference;
}

}  // namespace headscope::server
