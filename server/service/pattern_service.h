// headscope.v1.PatternService.
#pragma once

#include "headscope/v1/pattern_service.grpc.pb.h"
#include "server/service/shared.h"

namespace headscope::server {

// Thread-safe.
class PatternService : public v1::PatternService::CallbackService {
 public:
  // `shared` outlives the service.
  explicit PatternService(Shared& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* GetPattern(grpc::CallbackServerContext* rpc, const v1::GetPatternRequest* request,
                                       v1::GetPatternResponse* response) override;

 private:
  Shared& shared_;
};

}  // namespace headscope::server
