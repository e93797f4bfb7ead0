// PatternService.ImportPattern: a client's matrix on its way into the store.
#pragma once

#include "headscope/v1/pattern_service.pb.h"
#include "server/service/unary.h"

namespace headscope::server {

grpc::ServerUnaryReactor* Import(Shared& shared, const UnaryCall<v1::ImportPatternResponse>& call,
                                 const v1::ImportPatternRequest& request);

}  // namespace headscope::server
