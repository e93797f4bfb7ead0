#include "server/service/pattern_service.h"

#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/jobs/pattern_values.h"
#include "server/service/analysis.h"
#include "server/service/analysis_convert.h"
#include "server/service/analysis_tables.h"
#include "server/service/choice.h"
#include "server/service/lost_scores.h"
#include "server/service/pattern_import.h"
#include "server/service/pattern_reading.h"
#include "server/service/resource_names.h"
#include "server/service/unary.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr MethodName Unary(const char* method) { return {"headscope.v1.PatternService", method, RpcType::kUnary}; }
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

// On the pool: an imported pattern's stored values.
void ReadImported(Shared& shared, const Call& call, const PatternRecord& record) {
  const absl::StatusOr<std::string> bytes = GetBlob(shared.context.blobs, record.blob);
  const absl::StatusOr<PatternValues> values = bytes.ok() ? DecodePattern(*bytes) : bytes.status();
  if (IsLost(values.status())) {
    call.ThenOnStore([call, id = record.id, error = values.status()](JobStore& store) {
      FoundPattern lost;
      lost.reference.id = id;
      lost.reference.title = PatternName(id);
      call.Finish(ExplainLoss(store, {lost}, error));
    });
    return;
  }
  if (!values.ok()) return call.Finish(values.status());
  v1::GetPatternResponse answer;
  v1::Pattern& pattern = *answer.mutable_pattern();
  pattern = ToProto(record);
  *pattern.mutable_values() = ToTensor({values->layers, values->heads, values->values});
  if (values->standard_error) {
    *pattern.mutable_standard_error() = ToTensor({values->layers, values->heads, *values->standard_error});
  }
  call.Finish(std::move(answer));
}

// On the store's thread.
void FindImported(Shared& shared, const Call& call, PatternRecord record, bool reduced) {
  if (reduced) {
    return call.Finish(MakeError(absl::StatusCode::kInvalidArgument,
                                 absl::StrCat(PatternName(record.id), " was imported: there are no planes to reduce"),
                                 "REDUCTION_NOT_APPLICABLE"));
  }
  call.ThenOnIo([&shared, call, record = std::move(record)] { ReadImported(shared, call, record); });
}

PatternFilter ValidateFilter(const v1::ListPatternsRequest& request, Violations& violations) {
  PatternFilter filter;
  filter.source = Choice(kPatternSources, request.source(), PatternFilter::Source::kAll, "source", violations);
  if (!request.model().empty()) filter.model = ParseModelName(request.model(), "model", violations);
  filter.family = request.family();
  filter.display_name = request.display_name();
  ValidateLabels(request.labels(), "labels", violations);
  filter.labels.insert(request.labels().begin(), request.labels().end());
  return filter;
}

}  // namespace

grpc::ServerUnaryReactor* PatternService::GetPattern(grpc::CallbackServerContext* rpc,
                                                     const v1::GetPatternRequest* request,
                                                     v1::GetPatternResponse* response) {
  const Call call(shared_, rpc, Unary("GetPattern"), response);
  Violations violations;
  const std::string id = ParsePatternOrJobName(request->name(), "name", violations);
  std::optional<ReductionOptions> reduction;
  if (request->has_reduction()) reduction = ValidateReduction(request->reduction(), "reduction", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(PatternName(id));
  return call.ThenOnStore([this, call, id, reduction](JobStore& store) {
    absl::StatusOr<PatternRecord> record = store.GetPattern(id);
    if (record.ok() && record->job.empty()) {
      return FindImported(shared_, call, *std::move(record), reduction.has_value());
    }
    const std::string job_id = absl::StrCat("j-", id.substr(2));
    absl::StatusOr<PatternSource> source = ReadPatternSource(store, job_id);
    if (!source.ok()) return call.Finish(source.status());
    call.ThenOnIo([this, call, job_id, reduction, source = std::make_shared<PatternSource>(*std::move(source))] {
      Reduce(shared_, call, job_id, *source, reduction);
    });
  });
}

grpc::ServerUnaryReactor* PatternService::ListPatterns(grpc::CallbackServerContext* rpc,
                                                       const v1::ListPatternsRequest* request,
                                                       v1::ListPatternsResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("ListPatterns"), response);
  Violations violations;
  const PatternFilter filter = ValidateFilter(*request, violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  const PageRequest page{PageSize(request->page_size(), kDefaultPageSize), request->page_token()};
  return call.AnswerOnStore([filter, page](JobStore& store) -> absl::StatusOr<v1::ListPatternsResponse> {
    const absl::StatusOr<Page<PatternRecord>> records = store.ListPatterns(filter, page);
    if (!records.ok()) return records.status();
    v1::ListPatternsResponse answer;
    for (const PatternRecord& record : records->items) *answer.add_patterns() = ToProto(record);
    answer.set_next_page_token(records->next_token);
    return answer;
  });
}

grpc::ServerUnaryReactor* PatternService::ImportPattern(grpc::CallbackServerContext* rpc,
                                                        const v1::ImportPatternRequest* request,
                                                        v1::ImportPatternResponse* response) {
  return Import(shared_, UnaryCall(shared_, rpc, Unary("ImportPattern"), response), *request);
}

grpc::ServerUnaryReactor* PatternService::DeletePattern(grpc::CallbackServerContext* rpc,
                                                        const v1::DeletePatternRequest* request,
                                                        v1::DeletePatternResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("DeletePattern"), response);
  Violations violations;
  const std::string id = ParsePatternOrJobName(request->name(), "name", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(PatternName(id));
  return call.AnswerOnStore([id](JobStore& store) -> absl::StatusOr<v1::DeletePatternResponse> {
    if (absl::Status deleted = store.DeletePattern(id); !deleted.ok()) return deleted;
    return v1::DeletePatternResponse();
  });
}

}  // namespace headscope::server
