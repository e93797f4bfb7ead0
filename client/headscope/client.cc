#include "client/headscope/client.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/headscope/channel.h"
#include "client/headscope/client_impl.h"
#include "client/headscope/pages.h"
#include "client/headscope/patience.h"
#include "client/headscope/stream_reader.h"
#include "client/headscope/wire.h"
#include "proto/support/limits.h"

namespace headscope::client {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);

void Append(const v1::TokenizeResponse& part, Tokens& tokens) {
  tokens.ids.insert(tokens.ids.end(), part.ids().begin(), part.ids().end());
  tokens.tokens.insert(tokens.tokens.end(), part.tokens().begin(), part.tokens().end());
  tokens.text += part.text();
  if (part.has_prompt_tokens()) tokens.prompt_tokens = part.prompt_tokens();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const std::string& address, const ClientOptions& options) {
  auto channel = OpenChannel(address, options);
  if (!channel.ok()) return channel.status();
  auto impl = std::make_unique<Impl>();
  impl->channel = *std::move(channel);
  impl->options = options;
  impl->random = MakeSystemRandom();
  impl->jobs = v1::AttributionService::NewStub(impl->channel);
  impl->datasets = v1::DatasetService::NewStub(impl->channel);
  impl->models = v1::ModelService::NewStub(impl->channel);
  impl->patterns = v1::PatternService::NewStub(impl->channel);
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() = default;

absl::StatusOr<std::vector<Model>> Client::ListModels() {
  return AllPages<Model>([&](const std::string& token, std::vector<Model>& items) -> absl::StatusOr<std::string> {
    v1::ListModelsRequest request;
    request.set_page_size(kMaxPageSize);
    request.set_page_token(token);
    auto page = impl_->Call(*impl_->models, &v1::ModelService::Stub::ListModels, request);
    if (!page.ok()) return page.status();
    for (const v1::Model& model : page->models()) items.push_back(FromProto(model));
    return page->next_page_token();
  });
}

absl::StatusOr<Model> Client::GetModel(const std::string& name) {
  v1::GetModelRequest request;
  request.set_name(Named("models/", name));
  const auto response = impl_->Call(*impl_->models, &v1::ModelService::Stub::GetModel, request);
  if (!response.ok()) return response.status();
  return FromProto(response->model());
}

absl::StatusOr<Tokens> Client::Tokenize(const TokenizeRequest& request, const LongCall& hooks) {
  v1::TokenizeRequest proto;
  proto.set_model(Named("models/", request.model));
  proto.set_text(request.text);
  if (request.response) proto.set_response(*request.response);
  if (request.special_tokens) proto.set_special_tokens(*request.special_tokens);
  using Reader = StreamReader<v1::TokenizeResponse>;
  Reader reader([&](grpc::ClientContext* context, Reader* reactor) {
    context->set_deadline(absl::ToChronoTime(absl::Now() + impl_->options.tokenize_timeout));
    impl_->models->async()->Tokenize(context, &proto, reactor);
  });
  Tokens tokens;
  v1::TokenizeResponse part;
  while (KeepGoing(hooks)) {
    switch (reader.Next(kPoll, part)) {
      case Reader::Event::kMessage:
        Append(part, tokens);
        break;
      case Reader::Event::kTimeout:
        break;
      case Reader::Event::kEnded:
        if (const grpc::Status status = reader.status(); !status.ok()) return FromGrpc(status);
        return tokens;
    }
  }
  return Stopped();
}

absl::StatusOr<Dataset> Client::GetDataset(const std::string& id) {
  v1::GetDatasetRequest request;
  request.set_name(Named("datasets/", id));
  const auto response = impl_->Call(*impl_->datasets, &v1::DatasetService::Stub::GetDataset, request);
  if (!response.ok()) return response.status();
  return FromProto(response->dataset());
}

absl::StatusOr<std::vector<Dataset>> Client::ListDatasets() {
  return AllPages<Dataset>([&](const std::string& token, std::vector<Dataset>& items) -> absl::StatusOr<std::string> {
    v1::ListDatasetsRequest request;
    request.set_page_size(kMaxPageSize);
    request.set_page_token(token);
    auto page = impl_->Call(*impl_->datasets, &v1::DatasetService::Stub::ListDatasets, request);
    if (!page.ok()) return page.status();
    for (const v1::Dataset& dataset : page->datasets()) items.push_back(FromProto(dataset));
    return page->next_page_token();
  });
}

absl::Status Client::DeleteDataset(const std::string& id) {
  v1::DeleteDatasetRequest request;
  request.set_name(Named("datasets/", id));
  return impl_->Call(*impl_->datasets, &v1::DatasetService::Stub::DeleteDataset, request).status();
}

absl::StatusOr<Job> Client::SubmitJob(const JobRequest& request) {
  if (request.spec.compute.method != "gradient") {
    return absl::InvalidArgumentError(
        absl::StrCat("method \"", request.spec.compute.method, "\" is unknown; known: gradient"));
  }
  v1::SubmitJobRequest proto;
  *proto.mutable_spec() = ToProto(request.spec);
  proto.set_request_id(request.request_id.empty() ? MakeId("r-", *impl_->random) : request.request_id);
  proto.set_validate_only(request.validate_only);
  const auto response = impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::SubmitJob, proto);
  if (!response.ok()) return response.status();
  return FromProto(response->job());
}

absl::StatusOr<Job> Client::GetJob(const std::string& id) {
  v1::GetJobRequest request;
  request.set_name(Named("jobs/", id));
  const auto response = impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::GetJob, request);
  if (!response.ok()) return response.status();
  return FromProto(response->job());
}

absl::StatusOr<std::vector<Job>> Client::ListJobs(const JobFilter& filter) {
  v1::ListJobsRequest request;
  request.set_page_size(filter.limit == 0 || filter.limit > kMaxPageSize ? kMaxPageSize
                                                                         : static_cast<std::uint32_t>(filter.limit));
  for (const JobState state : filter.states) request.add_states(ToProto(state));
  request.set_model(filter.model);
  request.mutable_labels()->insert(filter.labels.begin(), filter.labels.end());
  const auto next_page = [&](const std::string& token, std::vector<Job>& items) -> absl::StatusOr<std::string> {
    request.set_page_token(token);
    auto page = impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::ListJobs, request);
    if (!page.ok()) return page.status();
    for (const v1::Job& job : page->jobs()) items.push_back(FromProto(job));
    return page->next_page_token();
  };
  return AllPages<Job>(next_page, filter.limit);
}

absl::StatusOr<Job> Client::CancelJob(const std::string& id) {
  v1::CancelJobRequest request;
  request.set_name(Named("jobs/", id));
  const auto response = impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::CancelJob, request);
  if (!response.ok()) return response.status();
  return FromProto(response->job());
}

absl::StatusOr<Job> Client::RetryJob(const std::string& id) {
  v1::RetryJobRequest request;
  request.set_name(Named("jobs/", id));
  const auto response = impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::RetryJob, request);
  if (!response.ok()) return response.status();
  return FromProto(response->job());
}

absl::Status Client::DeleteJob(const std::string& id) {
  v1::DeleteJobRequest request;
  request.set_name(Named("jobs/", id));
  return impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::DeleteJob, request).status();
}

absl::StatusOr<std::vector<InvalidSample>> Client::ListInvalidSamples(const std::string& job) {
  using Samples = std::vector<InvalidSample>;
  return AllPages<InvalidSample>([&](const std::string& token, Samples& items) -> absl::StatusOr<std::string> {
    v1::ListInvalidSamplesRequest request;
    request.set_name(Named("jobs/", job));
    request.set_page_size(kMaxPageSize);
    request.set_page_token(token);
    auto page = impl_->Call(*impl_->jobs, &v1::AttributionService::Stub::ListInvalidSamples, request);
    if (!page.ok()) return page.status();
    for (const v1::InvalidSample& sample : page->samples()) items.push_back(FromProto(sample));
    return page->next_page_token();
  });
}

absl::StatusOr<Pattern> Client::GetPattern(const std::string& id, const std::optional<ReductionOptions>& reduction) {
  v1::GetPatternRequest request;
  const bool is_job = absl::StartsWith(id, "j-") || absl::StartsWith(id, "jobs/");
  request.set_name(Named(is_job ? "jobs/" : "patterns/", id));
  if (reduction) *request.mutable_reduction() = ToProto(*reduction);
  const auto response = impl_->Call(*impl_->patterns, &v1::PatternService::Stub::GetPattern, request);
  if (!response.ok()) return response.status();
  return FromProto(response->pattern());
}

}  // namespace headscope::client
