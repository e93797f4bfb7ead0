// Input: a tokenizer.json, a byte 0xFF, a text to encode (all bytes but 0xFF).
#include "tests/fuzz/tokenizer_use.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  std::string_view rest = fuzz::TextOf(data, size);
  const std::string_view json = fuzz::TakePart(rest);
  const auto tokenizer = worker::Tokenizer::Parse(json);
  fuzz::RequireRefusal(tokenizer.status());
  fuzz::Require(!tokenizer.ok() || json.find('\0') == std::string_view::npos, "no JSON holds a NUL");
  if (tokenizer.ok()) fuzz::UseTokenizer(**tokenizer, rest);
  return 0;
}
