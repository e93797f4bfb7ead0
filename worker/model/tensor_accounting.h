// Every tensor an architecture expects is in the files once, and every tensor in the files is expected or ignorable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/architecture.h"
#include "worker/model/weight_files.h"

namespace headscope::worker {

struct Account {
  // [architecture.tensors] where each is stored; one that is absent and not read has null members.
  std::vector<TensorLocation> locations;
  // What is there and not used, for people.
  std::vector<std::string> notes;
};

// OK where the stored tensor `name` has `shape`, which it must have by `by`, and holds floats; FAILED_PRECONDITION
// otherwise.
absl::Status CheckStored(const std::string& name, const StoredTensor& tensor, const std::vector<std::int64_t>& shape,
                         const std::string& by);

// Errors: FAILED_PRECONDITION naming the tensor: missing, unknown, of another shape, of a dtype that is not a float, or
// with and without the prefix side by side.
absl::StatusOr<Account> AccountForTensors(const Architecture& architecture,
                                          const std::map<std::string, TensorLocation>& stored);

}  // namespace headscope::worker
