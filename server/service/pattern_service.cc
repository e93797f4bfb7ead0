#include "server/service/pattern_service.h"

#include <memory>
#include <optional>

#include "server/service/lost_scores.h"
#include "server/service/pattern_reading.h"
#include "server/service/resource_names.h"
#include "server/service/unary.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr MethodName kGetPattern{"headscope.v1.PatternService", "GetPattern", RpcType::kUnary};
using Call = UnaryCall<v1::GetPatternResponse>;

// On the pool. `reduction` absent: that of the job's spec.
void Reduce(Shared& shared, const Call& call, const std::string& job_id, const PatternSource& source,
            const std::optional<ReductionOptions>& reduction) {
  const ReductionOptions applied = reduction.value_or(source.job.spec.reduction);
  const absl::StatusOr<ReducedPattern> pattern =
      ReducePattern(source, applied, shared.context.blobs, [&call] { return call.CheckWanted(); });
  if (IsLost(pattern.status())) {
    call.ThenOnStore([call, job_id, error = pattern.status()](JobStore& store) {
      call.Finish(LostScores(job_id, ReadPatternSource(store, job_id).status(), error));
    });
    return;
  }
  if (!pattern.ok()) return call.Finish(pattern.status());
  v1::GetPatternResponse answer;
  *answer.mutable_pattern() = DescribePattern(source, applied, *pattern, shared.context.server_build);
  call.Finish(std::move(answer));
}

}  // namespace

grpc::ServerUnaryReactor* PatternService::GetPattern(grpc::CallbackServerContext* rpc,
                                                     const v1::GetPatternRequest* request,
                                                     v1::GetPatternResponse* response) {
  const Call call(shared_, rpc, kGetPattern, response);
  Violations violations;
  const std::string job_id = ParsePatternName(request->name(), "name", violations);
  std::optional<ReductionOptions> reduction;
  if (request->has_reduction()) reduction = ValidateReduction(request->reduction(), "reduction", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(PatternName(job_id));
  return call.ThenOnStore([this, call, job_id, reduction](JobStore& store) {
    absl::StatusOr<PatternSource> source = ReadPatternSource(store, job_id);
    if (!source.ok()) return call.Finish(source.status());
    call.ThenOnIo([this, call, job_id, reduction, source = std::make_shared<PatternSource>(*std::move(source))] {
      Reduce(shared_, call, job_id, *source, reduction);
    });
  });
}

}  // namespace headscope::server
