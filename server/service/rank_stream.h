// PatternService.RankSamples: a pool's samples held against a target, one message after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headscope/v1/pattern_service.pb.h"
#include "server/analysis/statistics/sample_ranking.h"
#include "server/service/analysis.h"
#include "server/service/incoming_stream.h"

namespace headscope::server {

// Rows are ranked as they come and dropped; a job's samples are read once the client has closed its side.
class RankStream : public IncomingStream<v1::RankSamplesRequest, v1::RankSamplesResponse> {
 public:
  RankStream(Shared& shared, const grpc::CallbackServerContext& rpc, v1::RankSamplesResponse* response);
  // Once, after construction.
  void Start();

 private:
  std::shared_ptr<RankStream> Self() { return std::static_pointer_cast<RankStream>(shared_from_this()); }
  // Runs `step` on the pool for analyses; an error ends the stream.
  void Post(absl::Status (RankStream::*step)());

  void OnMessage() override;
  void OnClosed() override;
  void OnIdle() override;

  void TakeHeader(const v1::RankSamplesRequest::Header& header);
  RankOptions ValidateOptions(const v1::RankSamplesRequest::Header& header, Violations& violations);
  // On the store's thread.
  void Find(JobStore& store);
  // On the pool. Loads the target and reads on.
  absl::Status Load();
  absl::Status CheckPool(const LoadedPattern& target) const;
  absl::Status TakeRows();
  // Whether ids and scores of `message_` fit each other and the target.
  absl::Status CheckRows(const v1::RankSamplesRequest::Rows& rows) const;
  absl::Status AddRows(const std::vector<double>& scores);
  // Ranks the job's samples, if it is a job, and answers.
  absl::Status Conclude();
  absl::Status RankJob();
  // Gives back what others wait for. Nothing uses the ranking after this.
  void Release();
  void Fail(const absl::Status& error);

  bool header_taken_ = false;
  Budget::Share slot_;
  KeepOn keep_on_;
  RankOptions options_;
  bool allow_different_models_ = false;
  PatternReference target_reference_;
  // Where the pool is a job.
  std::optional<PatternReference> pool_reference_;

  // The target's, and the pool's behind it.
  std::vector<FoundPattern> found_;
  v1::PatternIdentity identity_;
  PatternMatrix target_;
  std::optional<SampleRanking> ranking_;
  Budget::Share memory_;
  std::uint64_t rows_taken_ = 0;
};

}  // namespace headscope::server
