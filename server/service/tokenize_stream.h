// ModelService.Tokenize: text through a worker's tokenizer, answered in messages of bounded size.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "headscope/v1/model_service.pb.h"
#include "server/fleet/fleet.h"
#include "server/service/outgoing_stream.h"
#include "server/store/job_store.h"

namespace headscope::server {

// The answer in messages below kMaxBlockBytes, in order; at least one. Concatenating fields gives the whole.
std::deque<v1::TokenizeResponse> SplitAnswer(const TokenizeAnswer& answer);

// Thread-safe: messages go out one by one.
class TokenizeStream : public OutgoingStream<v1::TokenizeResponse> {
 public:
  TokenizeStream(Shared& shared, const grpc::CallbackServerContext& rpc, const v1::TokenizeRequest& request);
  // Once, after construction.
  void Start();

 private:
  std::shared_ptr<TokenizeStream> Self() { return std::static_pointer_cast<TokenizeStream>(shared_from_this()); }

  // On the store's thread: is there such a model, and has it a tokenizer?
  void Ask(JobStore& store);
  // Once, on any thread.
  void Answer(const absl::StatusOr<TokenizeAnswer>& answer);
  void OnWritten() override;
  // Whoever asked has gone, or has the answer: no worker is to be kept busy with the text.
  void OnOver() override;

  absl::StatusOr<TokenizeQuery> query_;
  absl::Mutex mutex_;
  // What the fleet knows the text by; empty before.
  std::string text_id_ ABSL_GUARDED_BY(mutex_);
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<v1::TokenizeResponse> messages_;
};

}  // namespace headscope::server
