#include "worker/model/fast/choose_operations.h"

#include "worker/tensor/torch_operations.h"

#ifdef HEADSCOPE_WITH_ONEDNN
#include "worker/tensor/cpu/cpu_operations.h"
#endif

namespace headscope::worker {

std::unique_ptr<Operations> ChooseOperations(const at::Device& device, bool torch_only) {
#ifdef HEADSCOPE_WITH_ONEDNN
  if (device.is_cpu() && !torch_only) return MakeCpuOperations();
#endif
  return MakeTorchOperations(device);
}

}  // namespace headscope::worker
