// The kernel tables that this machine can run, for tests that hold for each of them.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "worker/tensor/cpu/kernel_table.h"

namespace headscope::worker {

// The product's own tables and, where AVX2 is at hand, the 512-bit kernels compiled for AVX2: their logic is tested
// where their instructions are missing.
std::vector<const FloatKernels*> TablesUnderTest();

class KernelTest : public testing::TestWithParam<const FloatKernels*> {
 protected:
  const FloatKernels& kernels() const { return *GetParam(); }
};

inline std::string TableName(const testing::TestParamInfo<const FloatKernels*>& info) { return info.param->name; }

// The same bytes with one and with two threads: runs `body`, which returns what it computed, with both.
void ExpectSameBytesWithAnyThreads(std::vector<float> (*body)(const FloatKernels& kernels),
                                   const FloatKernels& kernels);

}  // namespace headscope::worker
