#include "server/analysis/statistics/student_t.h"

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

TEST(StudentTTest, AgreesWithSciPy) {
  for (const auto& row : Expected()["student_t"]) {
    const double expected = row[2];
    EXPECT_NEAR(TwoSidedStudentT(row[0], row[1]), expected, 1e-9 * expected) << row;
  }
}

}  // namespace
}  // namespace headscope::server
