// Versions of the protocol between server and workers. Release 0.N speaks version N and, from 0.3 on, N - 1 too, so that
// servers and workers one minor version apart work together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace headscope {

// Both included.
struct ProtocolRange {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  constexpr bool Contains(std::uint32_t version) const { return min <= version && version <= max; }
};

// What this build speaks, as server and as worker. 0.1.0 spoke version 1 alone and knew of no ranges.
inline constexpr ProtocolRange kWorkerProtocols{2, 2};

// The newest version that both speak; nullopt where there is none.
constexpr std::optional<std::uint32_t> AgreeOnProtocol(ProtocolRange one, ProtocolRange other) {
  const std::uint32_t newest = std::min(one.max, other.max);
  if (newest < std::max(one.min, other.min)) return std::nullopt;
  return newest;
}

}  // namespace headscope
