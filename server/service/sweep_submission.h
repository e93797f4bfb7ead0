// AttributionService.SubmitSweep and RetrySweep: from a request to durable jobs.
#pragma once

#include <string>

#include "headscope/v1/attribution_service.pb.h"
#include "server/service/shared.h"
#include "server/service/unary.h"

namespace headscope::server {

// Validates the request, resolves every model and queues all cells; ends with the call finished. With validate_only the
// same without storing anything. Returns what the handler returns to gRPC.
grpc::ServerUnaryReactor* SubmitSweep(Shared& shared, const UnaryCall<v1::SubmitSweepResponse>& call,
                                      const v1::SubmitSweepRequest& request);

// Queues new jobs for the cells of sweep `id` that need them.
grpc::ServerUnaryReactor* RetrySweep(Shared& shared, const UnaryCall<v1::RetrySweepResponse>& call,
                                     const std::string& id);

}  // namespace headscope::server
