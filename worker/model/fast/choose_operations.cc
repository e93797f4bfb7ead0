#include "worker/model/fast/choose_operations.h"

#include "worker/model/decoder_weights.h"
#include "worker/tensor/torch_operations.h"

#ifdef HEADSCOPE_WITH_ONEDNN
#include "worker/tensor/cpu/cpu_operations.h"
#endif

namespace headscope::worker {

std::unique_ptr<Operations> ChooseOperations(const OperationsChoice& choice) {
#ifdef HEADSCOPE_WITH_ONEDNN
  if (choice.device.is_cpu() && !choice.torch_only) {
    if (choice.float64) return MakeCpuFloat64Operations(choice.pack);
    return MakeCpuOperations(choice.pack ? kDefaultPackBytes : 0);
  }
#endif
  return MakeTorchOperations(choice.device, choice.float64 ? at::kDouble : at::kFloat);
}

OperationsChoice ChoiceFor(const Model& model, const FastEngineOptions& options) {
  OperationsChoice choice;
  choice.device = model.weights().embedding.weight.device();
  choice.torch_only = options.torch_operations;
  choice.pack = model.base() == nullptr;
  choice.float64 = ComputesInFloat64(model.description().parameters, model.options().dtype, options);
  return choice;
}

bool ComputesInFloat64(std::int64_t parameters, DType dtype, const FastEngineOptions& options) {
  return dtype == DType::kFloat32 && parameters <= options.float64_parameters;
}

}  // namespace headscope::worker
