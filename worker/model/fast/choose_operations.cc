#include "worker/model/fast/choose_operations.h"

#include "worker/tensor/torch_operations.h"

#ifdef HEADSCOPE_WITH_ONEDNN
#include "worker/tensor/cpu/cpu_operations.h"
#endif

namespace headscope::worker {

std::unique_ptr<Operations> ChooseOperations(const at::Device& device, bool torch_only, [[maybe_unused]] bool pack) {
#ifdef HEADSCOPE_WITH_ONEDNN
  if (device.is_cpu() && !torch_only) return MakeCpuOperations(pack ? kDefaultPackBytes : 0);
#endif
  return MakeTorchOperations(device);
}

}  // namespace headscope::worker
