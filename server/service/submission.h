// AttributionService.SubmitJob: from a request to a durable job.
#pragma once

#include <memory>

#include "headscope/v1/attribution_service.pb.h"
#include "server/jobs/job.h"
#include "server/service/shared.h"
#include "server/service/unary.h"

namespace headscope::server {

// Validates the request, stores inline samples as a dataset, resolves the model and queues the job; ends with the call
// finished. With validate_only the same without storing anything. Returns what the handler returns to gRPC.
grpc::ServerUnaryReactor* Submit(Shared& shared, const UnaryCall<v1::SubmitJobResponse>& call,
                                 const v1::SubmitJobRequest& request);

}  // namespace headscope::server
