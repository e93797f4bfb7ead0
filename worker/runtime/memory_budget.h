// How much memory models may take.
#pragma once

#include <cstdint>
#include <string>

namespace headscope::worker {

// Memory of this machine, or of the control group this process is in where that is less, in bytes.
std::int64_t HostMemoryBytes();

// What models may take of the host's memory unless told otherwise: three fifths of it. Activations of a batch and the
// rest of the process live in what is left.
std::int64_t DefaultMemoryBudget();

// Of this process now, in bytes.
std::int64_t ResidentSetBytes();

// "512 B", "1.5 GiB".
std::string FormatBytes(std::int64_t bytes);

}  // namespace headscope::worker
