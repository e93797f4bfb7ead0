// A Headscope server without workers or store: answers are what the test says, faults are injected on the wire.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "headscope/v1/attribution_service.pb.h"
#include "headscope/v1/model_service.pb.h"
#include "headscope/v1/pattern_service.pb.h"
#include "proto/support/sample.h"

namespace grpc {
class Status;
}

namespace headscope::tests {

// One stream of WatchJob: what is sent, and how the stream ends.
struct WatchScript {
  std::vector<v1::WatchJobResponse> responses;
  // The stream ends with UNAVAILABLE; otherwise OK.
  bool breaks = false;
  // After the responses nothing more comes until the client goes away.
  bool hangs = false;
  // The stream ends with PERMISSION_DENIED.
  bool refuses = false;
  // The stream ends with TOO_MANY_WATCHERS.
  bool crowded = false;
};

// What the server answers and what it saw. Set before a call and read after it: calls are made one at a time.
struct FakeState {
  std::vector<v1::Model> models;
  // So many questions for a model are answered with NO_WORKER first: the first worker is still to come.
  int before_first_worker = 0;
  // Nobody tokenises: Tokenize is not answered until the client goes away.
  bool tokenize_hangs = false;

  // Uploads. `upload_breaks` counts the ones that end with UNAVAILABLE first.
  int upload_breaks = 0;
  bool stores_other_digest = false;
  std::vector<Sample> samples;
  std::string display_name;
  int uploads = 0;

  // Submissions. `submit_breaks` counts the ones that end with UNAVAILABLE first.
  int submit_breaks = 0;
  std::vector<v1::SubmitJobRequest> submitted;

  // The job as GetJob, SubmitJob, CancelJob and ListJobs show it; nothing is known while its name is empty.
  v1::Job job;
  std::vector<v1::ListJobsRequest> listed;
  std::vector<std::string> deleted;
  // Streams of WatchJob in the order in which they are asked for; then one snapshot of `job`.
  std::vector<WatchScript> watches;
  std::vector<v1::WatchJobRequest> watched;
  std::vector<v1::InvalidSample> invalid;

  // Sweeps: GetSweep answers with these in turn, then with `sweep`; nothing is known while its name is empty. The first
  // `sweep_breaks` questions end with UNAVAILABLE.
  v1::Sweep sweep;
  std::vector<v1::Sweep> sweep_steps;
  int sweep_breaks = 0;
  std::vector<v1::SubmitSweepRequest> sweeps_submitted;
  std::vector<v1::ListSweepsRequest> sweeps_listed;
  std::vector<std::string> sweeps_retried;
  std::vector<v1::DeleteSweepRequest> sweeps_deleted;

  v1::Pattern pattern;
  std::vector<v1::GetPatternRequest> patterns_asked;

  // Describe, decompose and track are not answered until the client goes away.
  bool analyses_hang = false;
  // Analyses: what was asked and what is answered.
  std::vector<v1::Pattern> patterns;
  std::vector<v1::ListPatternsRequest> patterns_listed;
  std::vector<v1::ImportPatternRequest> imported;
  v1::DescribePatternRequest described;
  v1::DescribePatternResponse description;
  v1::ComparePatternsRequest compared;
  std::vector<v1::ComparePatternsResponse> comparison;
  v1::DecomposePatternRequest decomposed;
  v1::DecomposePatternResponse decomposition;
  v1::TrackPatternsRequest tracked;
  v1::TrackPatternsResponse track;
  std::vector<v1::RankSamplesRequest> ranked;
  v1::RankSamplesResponse ranking;
  v1::PlanMixtureRequest planned;
  v1::PlanMixtureResponse mixture;

  // The result file, sent in chunks of 64 bytes.
  std::string result;
  // Streams that break after this many chunks, and chunks whose checksum is wrong, one each per stream.
  int result_breaks = 0;
  int bad_checksums = 0;
  bool wrong_digest = false;
  std::vector<std::uint64_t> result_offsets;
};

class FakeServer {
 public:
  FakeServer();
  ~FakeServer();

  FakeState& state();
  // HOST:PORT of the loopback, a port of the system's choice.
  const std::string& address() const;
  void SetServing(bool serving);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

// An address of the loopback on which nothing listens.
std::string DeadAddress();

}  // namespace headscope::tests
