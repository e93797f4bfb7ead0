#include "server/service/validate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proto/support/limits.h"
#include "server/service/enum_tables.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

constexpr std::int32_t kMaxPriority = 100;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kMaxLabelKeyBytes = 63;
// The range of google.protobuf.Duration.
constexpr std::int64_t kMaxDurationSeconds = 315'576'000'000;

template <typename T>
void CheckRange(T value, T low, T high, const std::string& field, Violations& violations) {
  if (value >= low && value <= high) return;
  violations.Add(field, absl::StrCat("is ", value, ", ", low, " to ", high, " is allowed"));
}

bool IsLabelKey(std::string_view key) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !key.empty() && key.size() <= kMaxLabelKeyBytes && alphanumeric(key.front()) &&
         std::all_of(key.begin(), key.end(),
                     [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

absl::Duration ValidateQueueTtl(const google::protobuf::Duration& ttl, Violations& violations) {
  const bool in_range =
      ttl.seconds() >= 0 && ttl.seconds() <= kMaxDurationSeconds && ttl.nanos() >= 0 && ttl.nanos() < 1'000'000'000;
  if (!in_range || (ttl.seconds() == 0 && ttl.nanos() == 0)) {
    violations.Add("spec.execution.queue_ttl",
                   absl::StrCat("is ", ttl.seconds(), " s and ", ttl.nanos(), " ns, a positive duration is needed"));
  }
  return absl::Seconds(ttl.seconds()) + absl::Nanoseconds(ttl.nanos());
}

JobSpec ValidateSpec(const v1::JobSpec& proto, Violations& violations) {
  JobSpec spec;
  spec.model = ParseModelName(proto.model(), "spec.model", violations);
  if (!proto.model_digest().empty() && proto.model_digest().size() != kDigestBytes) {
    violations.Add("spec.model_digest",
                   absl::StrCat("has ", proto.model_digest().size(), " bytes, a SHA-256 has ", kDigestBytes));
  }
  spec.model_digest = proto.model_digest();
  if (proto.data_case() == v1::JobSpec::DATA_NOT_SET) {
    violations.Add("spec.dataset", "is empty, a dataset or `inline_samples` is needed");
  } else if (proto.has_dataset()) {
    spec.dataset = ParseDatasetName(proto.dataset(), "spec.dataset", violations);
  }
  spec.compute = ValidateCompute(proto.compute(), "spec.compute", violations);
  spec.reduction = ValidateReduction(proto.reduction(), "spec.reduction", violations);
  ValidateExecution(proto.execution(), spec, violations);
  ValidateLabels(proto.labels(), "spec.labels", violations);
  spec.labels.insert(proto.labels().begin(), proto.labels().end());
  return spec;
}

}  // namespace

void ValidateExecution(const v1::Execution& execution, JobSpec& spec, Violations& violations) {
  CheckRange(execution.priority(), -kMaxPriority, kMaxPriority, "spec.execution.priority", violations);
  spec.priority = execution.priority();
  if (execution.has_batch_tokens()) {
    CheckRange(execution.batch_tokens(), kMinBatchTokens, kMaxBatchTokens, "spec.execution.batch_tokens", violations);
    spec.batch_tokens = execution.batch_tokens();
  }
  if (execution.has_queue_ttl()) spec.queue_ttl = ValidateQueueTtl(execution.queue_ttl(), violations);
  spec.max_attempts = kDefaultMaxAttempts;
  if (execution.has_max_attempts()) {
    CheckRange(execution.max_attempts(), std::uint32_t{1}, kMaxMaxAttempts, "spec.execution.max_attempts", violations);
    spec.max_attempts = execution.max_attempts();
  }
}

void CheckRequestId(const std::string& request_id, Violations& violations) {
  if (request_id.size() <= kMaxRequestIdBytes) return;
  violations.Add("request_id",
                 absl::StrCat("has ", request_id.size(), " bytes, at most ", kMaxRequestIdBytes, " are allowed"));
}

void ValidateLabels(const google::protobuf::Map<std::string, std::string>& labels, const std::string& field,
                    Violations& violations) {
  if (labels.size() > kMaxLabels) {
    violations.Add(field, absl::StrCat("has ", labels.size(), " entries, at most ", kMaxLabels, " are allowed"));
  }
  for (const auto& [key, value] : labels) {
    if (!IsLabelKey(key)) {
      violations.Add(field, absl::StrCat("has a key of ", key.size(), " bytes that is not [a-z0-9][a-z0-9._-]{0,62}"));
    } else if (value.size() > kMaxLabelValueBytes) {
      violations.Add(absl::StrCat(field, ".", key),
                     absl::StrCat("has ", value.size(), " bytes, at most ", kMaxLabelValueBytes, " are allowed"));
    }
  }
}

NewJob ValidateSubmit(const v1::SubmitJobRequest& request, Violations& violations) {
  NewJob job;
  if (!request.has_spec()) {
    violations.Add("spec", "is absent, what to compute is needed");
  } else {
    job.spec = ValidateSpec(request.spec(), violations);
  }
  CheckRequestId(request.request_id(), violations);
  job.request_id = request.request_id();
  return job;
}

absl::StatusOr<JobFilter> ValidateFilter(const v1::ListJobsRequest& request) {
  Violations violations;
  JobFilter filter;
  for (int i = 0; i < request.states_size(); ++i) {
    const std::optional<JobState> state = FromTable(kJobStates, request.states(i));
    if (!state) {
      violations.Add(absl::StrCat("states[", i, "]"),
                     absl::StrCat(static_cast<int>(request.states(i)), " is no state"));
    } else if (std::find(filter.states.begin(), filter.states.end(), *state) == filter.states.end()) {
      filter.states.push_back(*state);
    }
  }
  if (!request.model().empty()) filter.model = ParseModelName(request.model(), "model", violations);
  ValidateLabels(request.labels(), "labels", violations);
  filter.labels.insert(request.labels().begin(), request.labels().end());
  if (!violations.empty()) return violations.status();
  return filter;
}

absl::StatusOr<TokenizeQuery> ValidateTokenize(const v1::TokenizeRequest& request) {
  Violations violations;
  TokenizeQuery query;
  query.model = ParseModelName(request.model(), "model", violations);
  query.text = request.text();
  if (request.has_response()) query.response = request.response();
  if (request.has_special_tokens()) query.special_tokens = request.special_tokens();
  const std::size_t size = request.text().size() + request.response().size();
  if (size > kMaxTokenizeBytes) {
    violations.Add("text", absl::StrCat("has ", size, " bytes together with `response`, at most ", kMaxTokenizeBytes,
                                        " are allowed"));
  }
  if (!violations.empty()) return violations.status();
  return query;
}

std::uint32_t PageSize(std::uint32_t wanted, std::uint32_t fallback) {
  return std::min(wanted == 0 ? fallback : wanted, kMaxPageSize);
}

}  // namespace headscope::server
