// Reports with made-up contents, for tests.
#pragma once

#include <cstddef>

#include "client/report/report.h"

namespace headscope::report::tests {

struct SampleShape {
  std::size_t layers = 4;
  std::size_t heads = 4;
  std::size_t patterns = 3;
  // Some entries are negative.
  bool is_signed = false;
};

// Every section has something to show.
report::Report SampleReport(const SampleShape& shape);
// One pattern and nothing computed from it.
report::Report SinglePattern();
// As SampleReport, but every text is `text` and whatever can be undefined is.
report::Report HostileReport(const std::string& text);

}  // namespace headscope::report::tests
