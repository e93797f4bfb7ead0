// What is told about every call: one line when it starts, one when it ends.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace headscope::server {

// A call as the log and the metrics see it. Never holds samples, texts or credentials.
struct CallRecord {
  // False: the call starts, and the fields below `peer` mean nothing yet.
  bool ended = false;
  // "headscope.v1.AttributionService" and "SubmitJob".
  std::string service;
  std::string method;
  // The client's `x-request-id`, or one made here.
  std::string request_id;
  std::string peer;
  // The resource the call is about, "jobs/j-..." for example; empty where there is none.
  std::string resource;
  // OK, or why the call was refused.
  absl::Status status;
  absl::Duration latency;
};

// Takes the record of a call; called on any thread, does not block. May be empty: nothing is logged.
using CallLog = std::function<void(const CallRecord&)>;

}  // namespace headscope::server
