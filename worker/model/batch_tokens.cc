#include "worker/model/batch_tokens.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "worker/model/fast/fast_engine.h"
#include "worker/model/fast/tape.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kStep = 128;

std::int64_t RoundDown(std::int64_t tokens) { return tokens / kStep * kStep; }

std::int64_t ForCpu(const DecoderSpec& spec, std::int64_t cache_bytes) {
  constexpr std::int64_t kFewest = 512, kMost = 1024;
  // The widest of what steps hand on is the MLP's hidden layer.
  const std::int64_t token_bytes = std::max<std::int64_t>(1, spec.mlp_width) * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t cached = std::clamp(RoundDown(cache_bytes / token_bytes), kFewest, kMost);
  const std::int64_t tape_bytes = std::max<std::int64_t>(1, spec.layers * TapeBytes(spec, 1, at::kFloat));
  return std::clamp(RoundDown(FastEngineOptions().activation_bytes / tape_bytes), kStep, cached);
}

std::int64_t ForCuda(const DecoderSpec& spec) {
  constexpr std::int64_t kValues = std::int64_t{8} << 20;
  return std::clamp<std::int64_t>(RoundDown(kValues / std::max<std::int64_t>(1, spec.width)), 2048, 16384);
}

}  // namespace

std::int64_t LastLevelCacheBytes() {
  std::int64_t bytes = 0;
  // Levels ascend; sysconf tells of all cores' caches together on some virtual machines.
  for (int index = 0;; ++index) {
    std::ifstream file(absl::StrCat("/sys/devices/system/cpu/cpu0/cache/index", index, "/size"));
    std::int64_t kibibytes = 0;
    if (!(file >> kibibytes)) return bytes;
    bytes = kibibytes << 10;
  }
}

std::uint32_t RecommendBatchTokens(const DecoderSpec& spec, std::string_view device, std::int64_t cache_bytes) {
  return static_cast<std::uint32_t>(device.starts_with("cuda") ? ForCuda(spec) : ForCpu(spec, cache_bytes));
}

}  // namespace headscope::worker
