// Patterns and analyses, faked.
#include "absl/time/clock.h"
#include "headscope/v1/pattern_service.grpc.pb.h"
#include "tests/client/fake_services.h"

namespace headscope::tests {
namespace {

class FakePatternService final : public v1::PatternService::Service {
 public:
  explicit FakePatternService(FakeState& state) : state_(state) {}

  grpc::Status GetPattern(grpc::ServerContext*, const v1::GetPatternRequest* request,
                          v1::GetPatternResponse* response) override {
    state_.patterns_asked.push_back(*request);
    const bool known = request->name() == state_.pattern.name() || request->name() == state_.pattern.job();
    if (!known) return NotFound(request->name(), "PATTERN_NOT_FOUND");
    const v1::Reduction& asked = request->reduction();
    if (asked.head_axis() == v1::HEAD_AXIS_KV_GROUP && asked.absolute() == v1::ABSOLUTE_PER_TOKEN) {
      ErrorDetails details{"BAD_REDUCTION", {{"reduction.absolute", "the planes do not determine it"}}, {}};
      return ToGrpc(MakeError(absl::StatusCode::kInvalidArgument, "the reduction is refused", details));
    }
    *response->mutable_pattern() = state_.pattern;
    if (request->has_reduction()) *response->mutable_pattern()->mutable_reduction() = asked;
    return grpc::Status::OK;
  }

  // Pages of two.
  grpc::Status ListPatterns(grpc::ServerContext*, const v1::ListPatternsRequest* request,
                            v1::ListPatternsResponse* response) override {
    state_.patterns_listed.push_back(*request);
    std::size_t next = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    for (int i = 0; i < 2 && next < state_.patterns.size(); ++i) *response->add_patterns() = state_.patterns[next++];
    if (next < state_.patterns.size()) response->set_next_page_token(std::to_string(next));
    return grpc::Status::OK;
  }
  grpc::Status ImportPattern(grpc::ServerContext*, const v1::ImportPatternRequest* request,
                             v1::ImportPatternResponse* response) override {
    state_.imported.push_back(*request);
    *response->mutable_pattern() = state_.pattern;
    return grpc::Status::OK;
  }
  grpc::Status DeletePattern(grpc::ServerContext*, const v1::DeletePatternRequest* request,
                             v1::DeletePatternResponse*) override {
    state_.deleted.push_back(request->name());
    return grpc::Status::OK;
  }
  grpc::Status DescribePattern(grpc::ServerContext* context, const v1::DescribePatternRequest* request,
                               v1::DescribePatternResponse* response) override {
    Hang(*context);
    state_.described = *request;
    *response = state_.description;
    return grpc::Status::OK;
  }
  grpc::Status ComparePatterns(grpc::ServerContext*, const v1::ComparePatternsRequest* request,
                               grpc::ServerWriter<v1::ComparePatternsResponse>* writer) override {
    state_.compared = *request;
    for (const v1::ComparePatternsResponse& part : state_.comparison) writer->Write(part);
    return grpc::Status::OK;
  }
  grpc::Status DecomposePattern(grpc::ServerContext* context, const v1::DecomposePatternRequest* request,
                                v1::DecomposePatternResponse* response) override {
    Hang(*context);
    state_.decomposed = *request;
    *response = state_.decomposition;
    return grpc::Status::OK;
  }
  grpc::Status TrackPatterns(grpc::ServerContext* context, const v1::TrackPatternsRequest* request,
                             v1::TrackPatternsResponse* response) override {
    Hang(*context);
    state_.tracked = *request;
    *response = state_.track;
    return grpc::Status::OK;
  }
  grpc::Status RankSamples(grpc::ServerContext*, grpc::ServerReader<v1::RankSamplesRequest>* reader,
                           v1::RankSamplesResponse* response) override {
    v1::RankSamplesRequest message;
    while (reader->Read(&message)) state_.ranked.push_back(message);
    *response = state_.ranking;
    return grpc::Status::OK;
  }
  grpc::Status PlanMixture(grpc::ServerContext*, const v1::PlanMixtureRequest* request,
                           v1::PlanMixtureResponse* response) override {
    state_.planned = *request;
    *response = state_.mixture;
    return grpc::Status::OK;
  }

 private:
  void Hang(const grpc::ServerContext& context) const {
    while (state_.analyses_hang && !context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
  }

  FakeState& state_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFakePatternService(FakeState& state) {
  return std::make_unique<FakePatternService>(state);
}

}  // namespace headscope::tests
