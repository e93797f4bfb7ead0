// Student's t distribution.
#pragma once

namespace headscope::server {

// t with P(|T| <= t) = level for `degrees` > 0 degrees of freedom and 0 < level < 1.
double TwoSidedStudentT(double level, double degrees);

}  // namespace headscope::server
