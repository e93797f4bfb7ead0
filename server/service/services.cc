#include "server/service/services.h"

#include <utility>

#include "server/service/attribution_service.h"
#include "server/service/dataset_service.h"
#include "server/service/model_service.h"
#include "server/service/pattern_service.h"
#include "server/service/shared.h"

namespace headscope::server {

class Services::Impl {
 public:
  explicit Impl(ServiceContext context)
      : shared(std::move(context)), attribution(shared), datasets(shared), models(shared), patterns(shared) {}

  Shared shared;
  AttributionService attribution;
  DatasetService datasets;
  ModelService models;
  PatternService patterns;
};

Services::Services(ServiceContext context) : impl_(std::make_unique<Impl>(std::move(context))) {}
Services::~Services() = default;

std::vector<grpc::Service*> Services::all() {
  return {&impl_->attribution, &impl_->datasets, &impl_->models, &impl_->patterns};
}

void Services::RefuseNewWork() { impl_->shared.refusing.store(true); }

void Services::FinishStreams() { impl_->shared.streams.EndAll(DrainingError()); }

}  // namespace headscope::server
