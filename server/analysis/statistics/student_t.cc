#include "server/analysis/statistics/student_t.h"

#include <cmath>
#include <unsupported/Eigen/SpecialFunctions>

namespace headscope::server {
namespace {

// P(|T| > t).
double Outside(double t, double degrees) {
  return Eigen::numext::betainc(degrees / 2, 0.5, degrees / (degrees + t * t));
}

}  // namespace

double TwoSidedStudentT(double level, double degrees) {
  double low = 0;
  double high = 1;
  while (Outside(high, degrees) > 1 - level) high *= 2;
  // Bisection down to neighbouring numbers.
  for (double middle = high / 2; middle != low && middle != high; middle = (low + high) / 2) {
    (Outside(middle, degrees) > 1 - level ? low : high) = middle;
  }
  return high;
}

}  // namespace headscope::server
