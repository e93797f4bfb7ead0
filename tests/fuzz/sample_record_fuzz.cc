// Input: stored or sent records of samples, end to end.
#include <string>

#include "proto/support/sample_encoding.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  std::string_view rest = fuzz::TextOf(data, size);
  while (!rest.empty()) {
    const std::string_view before = rest;
    const auto sample = TakeSampleRecord(rest);
    fuzz::RequireRefusal(sample.status());
    if (!sample.ok()) return 0;
    const std::string_view taken = before.substr(0, before.size() - rest.size());
    std::string again;
    AppendSampleRecord(*sample, again);
    fuzz::Require(again == taken, "a record has one way to be written");
    fuzz::RequireRefusal(CheckSample(*sample));
  }
  return 0;
}
