#include "proto/support/log.h"

#include "gtest/gtest.h"

namespace headscope {
namespace {

const absl::Time kTime = absl::UnixEpoch() + absl::Milliseconds(1500);

TEST(LogTest, TextLineQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, kTime, LogLevel::kWarning, "worker lost",
                          {{"worker", "local-0"}, {"status", 9}, {"why", "it \"died\""}}),
            R"(1970-01-01T00:00:01.500Z warning "worker lost" worker=local-0 status=9 why="it \"died\"")");
}

TEST(LogTest, JsonLineHoldsEveryField) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, kTime, LogLevel::kError, "x", {{"a", "b c"}, {"n", 2.5}}),
            R"({"time":"1970-01-01T00:00:01.500Z","level":"error","message":"x","a":"b c","n":"2.5"})");
}

TEST(LogTest, AStatusIsItsCodeAndMessage) {
  absl::Status status = absl::AbortedError("too late");
  status.SetPayload("details", absl::Cord("for programs"));
  EXPECT_EQ(LogField("status", status).value, "ABORTED: too late");
}

TEST(LogTest, AValueCannotForgeALine) {
  const std::string line = FormatLogLine(LogFormat::kText, kTime, LogLevel::kInfo, "x", {{"v", "a\nb\x01"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("\\u0001"), std::string::npos);
}

}  // namespace
}  // namespace headscope
