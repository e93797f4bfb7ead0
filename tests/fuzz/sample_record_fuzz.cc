// Input: a stored dataset, of any version: its header, where it has one, and records of samples, end to end.
#include <string>

#include "proto/support/sample_encoding.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  std::string_view rest = fuzz::TextOf(data, size);
  const auto encoding = EncodingOf(rest);
  fuzz::RequireRefusal(encoding.status());
  if (!encoding.ok()) return 0;
  rest.remove_prefix(FirstRecord(*encoding));
  while (!rest.empty()) {
    const std::string_view before = rest;
    const auto sample = TakeSampleRecord(*encoding, rest);
    fuzz::RequireRefusal(sample.status());
    if (!sample.ok()) return 0;
    const std::string_view taken = before.substr(0, before.size() - rest.size());
    std::string again;
    AppendSampleRecord(*sample, again);
    fuzz::Require(*encoding != kSampleEncoding || again == taken, "a record has one way to be written");
    std::string_view written = again;
    const auto read = TakeSampleRecord(kSampleEncoding, written);
    fuzz::Require(read.ok() && *read == *sample && written.empty(), "what is written is what is read");
    fuzz::RequireRefusal(CheckSample(*sample));
  }
  return 0;
}
