// CRC-32C (Castagnoli), the checksum of streamed chunks.
#pragma once

#include <cstdint>
#include <string_view>

namespace headscope {

std::uint32_t Crc32c(std::string_view bytes);

}  // namespace headscope
