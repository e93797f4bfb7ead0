#include "tests/server/analysis/statistics/expected.h"

#include <cmath>
#include <fstream>

namespace headscope::server {

const nlohmann::json& Expected() {
  static const auto& expected = *new nlohmann::json([] {
    std::ifstream file(HEADSCOPE_SOURCE_DIR "/tests/server/analysis/statistics/expected.json");
    return nlohmann::json::parse(file);
  }());
  return expected;
}

PatternMatrix Named(const std::string& name) {
  return {Expected()["layers"], Expected()["heads"], Expected()["patterns"].at(name).get<std::vector<double>>()};
}

PatternMatrix RandomPattern(std::uint64_t seed, std::uint32_t layers, std::uint32_t heads) {
  RandomStream random(seed, 0);
  PatternMatrix pattern{layers, heads, std::vector<double>(std::size_t{layers} * heads)};
  for (double& value : pattern.values) value = std::exp(2 * random.Unit());
  return pattern;
}

PatternMatrix Scaled(PatternMatrix pattern, double factor) {
  for (double& value : pattern.values) value *= factor;
  return pattern;
}

void ExpectNear(const nlohmann::json& expected, std::optional<double> found, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_FALSE(found.has_value()) << what << " is " << *found;
    return;
  }
  ASSERT_TRUE(found.has_value()) << what;
  const double wanted = expected.get<double>();
  EXPECT_NEAR(*found, wanted, kTolerance * std::max(1.0, std::fabs(wanted))) << what;
}

}  // namespace headscope::server
