// Messages of the worker service into plain values and back.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "headscope/worker/v1/worker_service.pb.h"
#include "server/fleet/tokenize_broker.h"
#include "server/jobs/job.h"
#include "server/store/job_store.h"

namespace headscope::server::worker_codec {

// Any request of a session.
template <typename Request>
SessionRef SessionOf(const Request& request) {
  return {request.session(), request.epoch()};
}
template <typename Request>
LeaseKey LeaseOf(const Request& request) {
  return {SessionOf(request), request.lease().shard(), request.lease().fence()};
}

// The protocol version to speak with the worker. FAILED_PRECONDITION / PROTOCOL_UNSUPPORTED names both sides' versions.
absl::StatusOr<std::uint32_t> ProtocolFor(const worker::v1::OpenSessionRequest& request);
// INVALID_ARGUMENT: what a worker may not say about itself (lengths, characters, missing ids).
absl::StatusOr<WorkerDescription> DescriptionOf(const worker::v1::OpenSessionRequest& request);
// INVALID_ARGUMENT names the entry: names that are no relative paths, digests that are not SHA-256, implausible sizes.
// Longer reasons than 1 KiB are cut.
absl::StatusOr<std::vector<CatalogueEntry>> EntriesOf(const worker::v1::Catalogue& catalogue);
std::set<std::string> NamesOf(const google::protobuf::RepeatedPtrField<worker::v1::Resident>& resident);
ShardFailure FailureOf(const worker::v1::FailShardRequest& request);
// The error that a failed TOKENIZE task means for who asked.
absl::Status TokenizeError(const worker::v1::FailShardRequest& request);

worker::v1::LeaseRef ToRef(const std::string& shard, std::uint64_t fence);
google::protobuf::Duration ToDuration(absl::Duration duration);
// Zero for what is negative or beyond a year.
absl::Duration FromDuration(const google::protobuf::Duration& duration);

// `entry` is the leasing worker's for the job's model.
worker::v1::Shard ToShard(const Lease& lease, const CatalogueEntry& entry, absl::Duration no_progress_timeout);
worker::v1::Shard ToShard(const TokenizeBroker::Task& task);
// What CompleteShard may carry for the lease, in bytes of messages.
std::uint64_t MaxResultBytes(const Lease& lease, const CatalogueEntry& entry);
inline constexpr std::uint64_t kMaxTokenizeResultBytes = std::uint64_t{32} << 20;

}  // namespace headscope::server::worker_codec
