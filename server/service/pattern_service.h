// headscope.v1.PatternService.
#pragma once

#include "headscope/v1/pattern_service.grpc.pb.h"
#include "server/service/shared.h"

namespace headscope::server {

// Thread-safe. pattern_service.cc: stored patterns; pattern_analyses.cc: what is computed from them.
class PatternService : public v1::PatternService::CallbackService {
 public:
  // `shared` outlives the service.
  explicit PatternService(Shared& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* GetPattern(grpc::CallbackServerContext* rpc, const v1::GetPatternRequest* request,
                                       v1::GetPatternResponse* response) override;
  grpc::ServerUnaryReactor* ListPatterns(grpc::CallbackServerContext* rpc, const v1::ListPatternsRequest* request,
                                         v1::ListPatternsResponse* response) override;
  grpc::ServerUnaryReactor* ImportPattern(grpc::CallbackServerContext* rpc, const v1::ImportPatternRequest* request,
                                          v1::ImportPatternResponse* response) override;
  grpc::ServerUnaryReactor* DeletePattern(grpc::CallbackServerContext* rpc, const v1::DeletePatternRequest* request,
                                          v1::DeletePatternResponse* response) override;

  grpc::ServerUnaryReactor* DescribePattern(grpc::CallbackServerContext* rpc, const v1::DescribePatternRequest* request,
                                            v1::DescribePatternResponse* response) override;
  grpc::ServerWriteReactor<v1::ComparePatternsResponse>* ComparePatterns(
      grpc::CallbackServerContext* rpc, const v1::ComparePatternsRequest* request) override;
  grpc::ServerUnaryReactor* DecomposePattern(grpc::CallbackServerContext* rpc,
                                             const v1::DecomposePatternRequest* request,
                                             v1::DecomposePatternResponse* response) override;
  grpc::ServerUnaryReactor* TrackPatterns(grpc::CallbackServerContext* rpc, const v1::TrackPatternsRequest* request,
                                          v1::TrackPatternsResponse* response) override;
  grpc::ServerReadReactor<v1::RankSamplesRequest>* RankSamples(grpc::CallbackServerContext* rpc,
                                                               v1::RankSamplesResponse* response) override;
  grpc::ServerUnaryReactor* PlanMixture(grpc::CallbackServerContext* rpc, const v1::PlanMixtureRequest* request,
                                        v1::PlanMixtureResponse* response) override;

 private:
  Shared& shared_;
};

}  // namespace headscope::server
