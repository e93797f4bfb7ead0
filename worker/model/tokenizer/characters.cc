#include "worker/model/tokenizer/characters.h"

namespace headscope::worker::tokenization {

bool IsWhitespace(std::uint32_t code_point) {
  switch (code_point) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return (code_point >= 0x9 && code_point <= 0xD) || (code_point >= 0x2000 && code_point <= 0x200A);
  }
}

}  // namespace headscope::worker::tokenization
