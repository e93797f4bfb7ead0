#include "server/fleet/changed_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/support/log.h"
#include "proto/support/sha256.h"

namespace headscope::server {
namespace {

// A model that was being replaced, or could not be read, may be what it was after this.
constexpr absl::Duration kPassing = absl::Seconds(5);

std::string Pin(const StrandedJob& job) {
  return job.digest.empty() ? "is not pinned yet" : absl::StrCat("is pinned to sha256:", ToHex(job.digest));
}

JobFailure FailureOf(const StrandedJob& job, absl::Duration patience) {
  return {kModelChanged,
          absl::StrCat("the job ", Pin(job), " of model '", job.model, "', and no worker that has it was connected for ",
                       absl::FormatDuration(patience), " (--no-progress-timeout); the last one: ", job.found,
                       ". Retry the job once the model is back, or submit it anew on what is there now")};
}

}  // namespace

void MarkChanged(FleetParts& parts, const SessionRef& session, const std::string& job, const JobSpec& spec,
                 const std::string& found, bool passing) {
  const absl::Time until = passing ? parts.clock.Now() + kPassing : absl::InfiniteFuture();
  parts.sessions.MarkUnfit(session, spec.model, spec.model_digest, until);
  parts.stranded.Add(job, {spec.model, spec.model_digest, found});
  if (passing) parts.timers.After(kPassing, [&parts] { parts.dispatcher.Wake(); });
  Log(LogLevel::kWarning, "a worker's model is not what a job is pinned to; its work goes elsewhere",
      {{"session", session.session},
       {"job", job},
       {"model", spec.model},
       {"wanted", absl::StrCat("sha256:", ToHex(spec.model_digest))},
       {"found", found}});
}

absl::StatusOr<Effect> HandBackChanged(FleetParts& parts, JobStore& store, const LeaseKey& key, const Lease& lease,
                                       const std::string& found, bool passing) {
  const absl::StatusOr<Effect> effect = store.Release(key, absl::StrCat(kModelChanged, ": ", found));
  if (effect.ok()) MarkChanged(parts, key.session, lease.shard.job, lease.spec, found, passing);
  return effect;
}

void GiveUpStranded(FleetParts& parts, JobStore& store) {
  const std::vector<ConnectedWorker> workers = parts.sessions.All();
  // A worker that is asked again, in vain, is no hope: marks that are over count until something is handed in.
  const auto can_serve = [&](const StrandedJob& job) {
    return std::any_of(workers.begin(), workers.end(), [&](const ConnectedWorker& worker) {
      return worker.CanServe(job.model, job.digest, absl::InfinitePast());
    });
  };
  const absl::Duration patience = parts.options.no_progress_timeout;
  for (const auto& [id, job] : parts.stranded.GivenUp(can_serve, patience, parts.clock.Now())) {
    const absl::StatusOr<Effect> effect = store.FailJob(id, FailureOf(job, patience));
    // Deleted meanwhile, or ended: then nothing has happened.
    if (effect.ok() || absl::IsNotFound(effect.status())) parts.stranded.Remove(id);
    if (effect.ok()) parts.news.Apply(*effect);
  }
}

}  // namespace headscope::server
