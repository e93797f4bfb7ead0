// The stylesheet and the script of a report: report.css and report.js, embedded by the build.
#pragma once

#include <string>

namespace headscope::report {

extern const std::string kStyle;
extern const std::string kScript;

}  // namespace headscope::report
