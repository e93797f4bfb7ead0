#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/headscope/client_impl.h"
#include "client/headscope/pages.h"
#include "client/headscope/patience.h"
#include "client/headscope/stream_reader.h"
#include "client/headscope/wire.h"
#include "client/headscope/wire_analysis.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope::client {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);

using Stub = v1::PatternService::Stub;
using CompareReader = StreamReader<v1::ComparePatternsResponse>;

v1::ListPatternsRequest ToRequest(const PatternFilter& filter) {
  v1::ListPatternsRequest request;
  request.set_page_size(filter.limit == 0 || filter.limit > kMaxPageSize ? kMaxPageSize
                                                                         : static_cast<std::uint32_t>(filter.limit));
  if (filter.source == PatternFilter::Source::kJob) request.set_source(v1::ListPatternsRequest::SOURCE_JOB);
  if (filter.source == PatternFilter::Source::kImported) request.set_source(v1::ListPatternsRequest::SOURCE_IMPORTED);
  request.set_model(filter.model);
  request.set_family(filter.family);
  request.set_display_name(filter.display_name);
  request.mutable_labels()->insert(filter.labels.begin(), filter.labels.end());
  return request;
}

// Files of matrices are many quickly.
absl::Status CheckSize(const google::protobuf::MessageLite& request) {
  const std::size_t bytes = request.ByteSizeLong();
  if (bytes <= static_cast<std::size_t>(kMaxMessageBytes)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the matrices of this call have ", bytes, " bytes together, ", kMaxMessageBytes,
                   " travel with one call; import some of the patterns and name them instead"));
}

// Rows of one message stay below kMaxBlockBytes.
std::size_t RowsOfOneMessage(const PoolSource& pool) {
  const std::size_t row_bytes = std::size_t{pool.layers()} * pool.heads() * sizeof(float);
  return std::max<std::size_t>(1, kMaxBlockBytes / 2 / std::max<std::size_t>(1, row_bytes));
}

v1::RankSamplesRequest ToRequest(const PoolRows& rows, std::uint32_t layers, std::uint32_t heads) {
  v1::RankSamplesRequest request;
  request.mutable_rows()->mutable_ids()->Assign(rows.ids.begin(), rows.ids.end());
  const auto samples = static_cast<std::uint32_t>(rows.scores.size() / (std::size_t{layers} * heads));
  *request.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(rows.scores), {samples, layers, heads});
  return request;
}

// One ranking: header, rows, answer. Single use.
class RankCall {
 public:
  RankCall(Stub& stub, absl::Duration timeout, const LongCall& hooks) : hooks_(hooks) {
    if (timeout != absl::InfiniteDuration()) context_.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    stream_ = stub.RankSamples(&context_, &response_);
  }

  absl::StatusOr<Ranking> Run(const v1::RankSamplesRequest& header, PoolSource* pool) {
    open_ = stream_->Write(header);
    if (pool != nullptr) {
      if (absl::Status status = SendAll(*pool); !status.ok()) {
        context_.TryCancel();
        stream_->Finish();
        return status;
      }
    }
    stream_->WritesDone();
    if (const grpc::Status status = stream_->Finish(); !status.ok()) return FromGrpc(status);
    return FromProto(response_);
  }

 private:
  absl::Status SendAll(PoolSource& pool) {
    const std::size_t samples = RowsOfOneMessage(pool);
    while (open_) {
      if (!KeepGoing(hooks_)) return Stopped();
      const auto rows = pool.Next(samples);
      if (!rows.ok()) return rows.status();
      if (!*rows) break;
      open_ = stream_->Write(ToRequest(**rows, pool.layers(), pool.heads()));
    }
    return absl::OkStatus();
  }

  const LongCall& hooks_;
  grpc::ClientContext context_;
  v1::RankSamplesResponse response_;
  std::unique_ptr<grpc::ClientWriter<v1::RankSamplesRequest>> stream_;
  // False once the server has answered without waiting for the rest.
  bool open_ = true;
};

}  // namespace

absl::StatusOr<std::vector<Pattern>> Client::ListPatterns(const PatternFilter& filter) {
  v1::ListPatternsRequest request = ToRequest(filter);
  const auto next_page = [&](const std::string& token, std::vector<Pattern>& items) -> absl::StatusOr<std::string> {
    request.set_page_token(token);
    auto page = impl_->Call(*impl_->patterns, &Stub::ListPatterns, request);
    if (!page.ok()) return page.status();
    for (const v1::Pattern& proto : page->patterns()) {
      auto pattern = FromProto(proto);
      if (!pattern.ok()) return pattern.status();
      items.push_back(*std::move(pattern));
    }
    return page->next_page_token();
  };
  return AllPages<Pattern>(next_page, filter.limit);
}

absl::StatusOr<Pattern> Client::ImportPattern(const PatternImport& import) {
  v1::ImportPatternRequest request;
  request.set_display_name(import.display_name);
  *request.mutable_values() = ToProto(import.values);
  if (import.standard_error) *request.mutable_standard_error() = ToProto(*import.standard_error);
  *request.mutable_model() = ToProto(import.model);
  request.set_origin(import.origin);
  request.set_samples_scored(import.samples_scored);
  request.mutable_labels()->insert(import.labels.begin(), import.labels.end());
  request.set_request_id(import.request_id.empty() ? MakeId("r-", *impl_->random) : import.request_id);
  const auto response = impl_->Call(*impl_->patterns, &Stub::ImportPattern, request);
  if (!response.ok()) return response.status();
  return FromProto(response->pattern());
}

absl::Status Client::DeletePattern(const std::string& id) {
  v1::DeletePatternRequest request;
  request.set_name(Named("patterns/", id));
  return impl_->Call(*impl_->patterns, &Stub::DeletePattern, request).status();
}

absl::StatusOr<Description> Client::DescribePattern(const PatternReference& pattern, const DescribeOptions& options,
                                                    const LongCall& hooks) {
  const auto response = impl_->CallLong(*impl_->patterns, &Stub::DescribePattern, ToProto(pattern, options), hooks);
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<Comparison> Client::ComparePatterns(const std::vector<PatternReference>& patterns,
                                                   const CompareOptions& options, const LongCall& hooks) {
  const v1::ComparePatternsRequest request = ToProto(patterns, options);
  if (absl::Status status = CheckSize(request); !status.ok()) return status;
  CompareReader reader([&](grpc::ClientContext* context, CompareReader* reactor) {
    context->set_deadline(absl::ToChronoTime(absl::Now() + impl_->options.analysis_timeout));
    impl_->patterns->async()->ComparePatterns(context, &request, reactor);
  });
  Comparison comparison;
  v1::ComparePatternsResponse message;
  while (KeepGoing(hooks)) {
    const CompareReader::Event event = reader.Next(kPoll, message);
    if (event == CompareReader::Event::kEnded) {
      if (!reader.status().ok()) return FromGrpc(reader.status());
      return comparison;
    }
    if (event != CompareReader::Event::kMessage) continue;
    if (message.has_header()) comparison = FromProto(message.header());
    if (!message.has_rows()) continue;
    if (absl::Status status = AddRows(message.rows(), comparison); !status.ok()) return status;
  }
  return Stopped();
}

absl::StatusOr<Decomposition> Client::DecomposePattern(const PatternReference& target,
                                                       const std::vector<PatternReference>& basis,
                                                       const DecomposeOptions& options, const LongCall& hooks) {
  const v1::DecomposePatternRequest request = ToProto(target, basis, options);
  if (absl::Status status = CheckSize(request); !status.ok()) return status;
  const auto response = impl_->CallLong(*impl_->patterns, &Stub::DecomposePattern, request, hooks);
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<std::vector<TrackPoint>> Client::TrackPatterns(const std::vector<PatternReference>& patterns,
                                                              const TrackOptions& options, const LongCall& hooks) {
  v1::TrackPatternsRequest request;
  for (const PatternReference& pattern : patterns) *request.add_patterns() = ToProto(pattern);
  request.set_ddof(options.ddof);
  request.set_magnitudes(options.magnitudes);
  request.set_allow_different_models(options.allow_different_models);
  if (absl::Status status = CheckSize(request); !status.ok()) return status;
  const auto response = impl_->CallLong(*impl_->patterns, &Stub::TrackPatterns, request, hooks);
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<Ranking> Client::RankSamples(const PatternReference& target, PoolSource& pool,
                                            const RankOptions& options, const LongCall& hooks) {
  return RankCall(*impl_->patterns, impl_->options.analysis_timeout, hooks).Run(ToProto(target, options), &pool);
}

absl::StatusOr<Ranking> Client::RankSamples(const PatternReference& target, const std::string& pool_job,
                                            const std::optional<ReductionOptions>& pool_reduction,
                                            const RankOptions& options) {
  v1::RankSamplesRequest header = ToProto(target, options);
  header.mutable_header()->set_pool_job(pool_job);
  if (pool_reduction) *header.mutable_header()->mutable_pool_reduction() = ToProto(*pool_reduction);
  return RankCall(*impl_->patterns, impl_->options.analysis_timeout, {}).Run(header, nullptr);
}

absl::StatusOr<std::vector<MixtureShare>> Client::PlanMixture(const std::vector<MixtureComponent>& components,
                                                              std::uint64_t budget) {
  v1::PlanMixtureRequest request;
  request.set_budget(budget);
  for (const MixtureComponent& component : components) {
    v1::MixtureComponent& proto = *request.add_components();
    proto.set_name(component.name);
    proto.set_coefficient(component.coefficient);
    proto.set_floor(component.floor);
    if (component.cap) proto.set_cap(*component.cap);
  }
  const auto response = impl_->Call(*impl_->patterns, &Stub::PlanMixture, request);
  if (!response.ok()) return response.status();
  std::vector<MixtureShare> shares;
  for (const v1::MixtureShare& share : response->shares()) {
    shares.push_back({share.name(), share.samples(), share.share(), share.exact(), share.clipped(), share.at_floor(),
                      share.at_cap()});
  }
  return shares;
}

}  // namespace headscope::client
