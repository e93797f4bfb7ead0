// DType in LibTorch's words.
#pragma once

#include <c10/core/ScalarType.h>

#include "worker/model/model.h"

namespace headscope::worker {

at::ScalarType ToScalarType(DType dtype);

}  // namespace headscope::worker
