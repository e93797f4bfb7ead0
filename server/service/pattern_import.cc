#include "server/service/pattern_import.h"

#include <memory>
#include <string>
#include <utility>

#include "proto/support/limits.h"
#include "proto/support/sha256.h"
#include "server/jobs/pattern_values.h"
#include "server/service/analysis_convert.h"
#include "server/service/pattern_reference.h"
#include "server/service/resource_names.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

using Call = UnaryCall<v1::ImportPatternResponse>;

struct Checked {
  NewPattern pattern;
  PatternValues values;
  HeldBlob held;
};

// Digest over an encoding of our own: what decides whether a repeated request_id is the same request.
std::string HashOf(const PatternRecord& record, const std::string& bytes) {
  Sha256 hash;
  for (const std::string* text :
       {&bytes, &record.display_name, &record.origin, &record.model, &record.model_digest, &record.facts.family}) {
    hash.UpdateString(*text);
  }
  hash.UpdateU32(record.facts.kv_heads);
  hash.UpdateU32(record.facts.head_dim);
  hash.UpdateU64(record.samples);
  hash.UpdateU32(static_cast<std::uint32_t>(record.labels.size()));
  for (const auto& [key, value] : record.labels) {
    hash.UpdateString(key);
    hash.UpdateString(value);
  }
  return hash.Finish();
}

Checked Validate(const v1::ImportPatternRequest& request, Violations& violations) {
  Checked checked;
  PatternMatrix matrix = ValidateMatrix(request.values(), "values", violations);
  if (request.has_standard_error()) {
    checked.values.standard_error =
        ValidateStandardError(request.standard_error(), matrix, "standard_error", violations);
  }
  PatternRecord& record = checked.pattern.record;
  const PatternModel model = ValidatePatternModel(request.model(), "model", violations);
  record.model = model.name;
  record.model_digest = model.digest;
  record.facts = model.facts;
  record.facts.layers = matrix.layers;
  record.facts.heads = matrix.heads;
  checked.values.layers = matrix.layers;
  checked.values.heads = matrix.heads;
  checked.values.values = std::move(matrix.values);
  CheckLength(request.display_name(), kMaxDisplayNameBytes, "display_name", violations);
  CheckLength(request.origin(), kMaxDisplayNameBytes, "origin", violations);
  CheckLength(request.request_id(), kMaxRequestIdBytes, "request_id", violations);
  ValidateLabels(request.labels(), "labels", violations);
  record.display_name = request.display_name();
  record.origin = request.origin();
  record.samples = request.samples_scored();
  record.labels.insert(request.labels().begin(), request.labels().end());
  checked.pattern.request_id = request.request_id();
  return checked;
}

// On the store's thread.
absl::StatusOr<v1::ImportPatternResponse> Record(JobStore& store, Checked& checked) {
  const absl::StatusOr<PatternRecord> record = store.ImportPattern(checked.pattern);
  if (!record.ok()) return record.status();
  checked.held.Recorded();
  v1::ImportPatternResponse answer;
  *answer.mutable_pattern() = ToProto(*record);
  *answer.mutable_pattern()->mutable_values() =
      ToTensor({checked.values.layers, checked.values.heads, checked.values.values});
  if (checked.values.standard_error) {
    *answer.mutable_pattern()->mutable_standard_error() =
        ToTensor({checked.values.layers, checked.values.heads, *checked.values.standard_error});
  }
  return answer;
}

}  // namespace

grpc::ServerUnaryReactor* Import(Shared& shared, const Call& call, const v1::ImportPatternRequest& request) {
  if (absl::Status open = shared.CheckOpenWithRoom(); !open.ok()) return call.Refuse(std::move(open));
  Violations violations;
  const auto checked = std::make_shared<Checked>(Validate(request, violations));
  if (!violations.empty()) return call.Refuse(violations.status());
  return call.ThenOnIo([&shared, call, checked] {
    const std::string bytes = EncodePattern(checked->values);
    absl::StatusOr<HeldBlob> held = shared.intake.Put(bytes);
    if (!held.ok()) return call.Finish(held.status());
    checked->held = *std::move(held);
    checked->pattern.record.blob = checked->held.digest();
    checked->pattern.request_hash = HashOf(checked->pattern.record, bytes);
    call.ThenOnStore([call, checked](JobStore& store) {
      absl::StatusOr<v1::ImportPatternResponse> answer = Record(store, *checked);
      if (answer.ok()) call.SetResource(answer->pattern().name());
      call.Finish(std::move(answer));
    });
  });
}

}  // namespace headscope::server
