// Datasets, faked.
#include "headscope/v1/dataset_service.grpc.pb.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/sample_codec.h"
#include "tests/client/fake_services.h"

namespace headscope::tests {
namespace {

class FakeDatasetService final : public v1::DatasetService::Service {
 public:
  explicit FakeDatasetService(FakeState& state) : state_(state) {}

  grpc::Status UploadDataset(grpc::ServerContext*, grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                             v1::UploadDatasetResponse* response) override {
    ++state_.uploads;
    state_.samples.clear();
    std::string encoded;
    v1::UploadDatasetRequest part;
    while (reader->Read(&part)) {
      if (part.has_header()) state_.display_name = part.header().display_name();
      for (const v1::Sample& sample : part.batch().samples()) {
        state_.samples.push_back(*FromProto(sample));
        if (encoded.empty()) encoded = DatasetHeader();
        AppendSampleRecord(state_.samples.back(), encoded);
      }
    }
    if (state_.upload_breaks > 0) {
      --state_.upload_breaks;
      return Broken();
    }
    const std::string sha256 = Sha256Of(state_.stores_other_digest ? "other" : encoded);
    v1::Dataset& dataset = *response->mutable_dataset();
    dataset.set_name(absl::StrCat("datasets/", ToHex(sha256)));
    dataset.set_sha256(sha256);
    dataset.set_sample_count(state_.samples.size());
    dataset.set_size_bytes(encoded.size());
    dataset.set_display_name(state_.display_name);
    stored_ = dataset;
    return grpc::Status::OK;
  }

  grpc::Status ListDatasets(grpc::ServerContext*, const v1::ListDatasetsRequest*,
                            v1::ListDatasetsResponse* response) override {
    if (!stored_.name().empty()) *response->add_datasets() = stored_;
    return grpc::Status::OK;
  }

  grpc::Status DeleteDataset(grpc::ServerContext*, const v1::DeleteDatasetRequest* request,
                             v1::DeleteDatasetResponse*) override {
    state_.deleted.push_back(request->name());
    return grpc::Status::OK;
  }

 private:
  FakeState& state_;
  v1::Dataset stored_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeDatasetService(FakeState& state) {
  return std::make_unique<FakeDatasetService>(state);
}

}  // namespace headscope::tests
