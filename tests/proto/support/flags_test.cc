#include "proto/support/flags.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace headscope {
namespace {

using ::testing::HasSubstr;

Flags TestFlags() {
  return Flags("HEADSCOPE_TEST_", {{"listen", "HOST:PORT", "127.0.0.1:1", "Where to listen."},
                                   {"data-dir", "DIR", "", "Where data is kept."},
                                   {"memory", "SIZE", "1GiB", "Memory to use."},
                                   {"delay", "TIME", "5s", "Time to wait."},
                                   {"workers", "N", "0", "How many."},
                                   {"store", "KIND", "sqlite", "Which store."},
                                   {"loud", "", "false", "Say more."}});
}

Environment Variables(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(FlagsTest, DefaultsHoldWhereNothingIsGiven) {
  Flags flags = TestFlags();
  ASSERT_TRUE(flags.Parse({}, Variables({})).ok());
  EXPECT_EQ(flags.Address("listen")->ToString(), "127.0.0.1:1");
  EXPECT_EQ(*flags.Bytes("memory"), 1u << 30);
  EXPECT_EQ(*flags.Duration("delay"), absl::Seconds(5));
  EXPECT_FALSE(*flags.Boolean("loud"));
  EXPECT_FALSE(flags.IsSet("listen"));
}

TEST(FlagsTest, CommandLineBeatsEnvironmentBeatsFile) {
  const std::string path = WriteFile("precedence.conf", "workers = 1\nmemory = 1KiB  # small\n\nstore = file\n");
  Flags flags = TestFlags();
  ASSERT_TRUE(flags
                  .Parse({"--workers=3", "--config", path},
                         Variables({{"HEADSCOPE_TEST_WORKERS", "2"}, {"HEADSCOPE_TEST_MEMORY", "2KiB"}}))
                  .ok());
  EXPECT_EQ(*flags.Integer("workers", 0, 10), 3);
  EXPECT_EQ(*flags.Bytes("memory"), 2048u);
  EXPECT_EQ(flags.Text("store"), "file");
}

TEST(FlagsTest, TheConfigFileMayBeNamedByAVariable) {
  const std::string path = WriteFile("named.conf", "data-dir = /var/lib/x y\n");
  Flags flags = TestFlags();
  ASSERT_TRUE(flags.Parse({}, Variables({{"HEADSCOPE_TEST_CONFIG", path}})).ok());
  EXPECT_EQ(flags.Text("data-dir"), "/var/lib/x y");
}

struct BadLine {
  std::vector<std::string> arguments;
  std::string said;
};

class FlagsRefuseTest : public ::testing::TestWithParam<BadLine> {};

TEST_P(FlagsRefuseTest, SaysWhatIsWrong) {
  Flags flags = TestFlags();
  const absl::Status status = flags.Parse(GetParam().arguments, Variables({}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(Lines, FlagsRefuseTest,
                         ::testing::Values(BadLine{{"--lisen", "x"}, "did you mean --listen?"},
                                           BadLine{{"--zzzzzzzzzzzz"}, "--help lists them all"},
                                           BadLine{{"--data-dir"}, "--data-dir: wanted DIR, found nothing"},
                                           BadLine{{"run"}, "found \"run\""}, BadLine{{"-h"}, "found \"-h\""},
                                           BadLine{{"--config", "/no/such/file"}, "cannot read /no/such/file"}));

TEST(FlagsTest, ABadLineOfTheFileIsNamed) {
  Flags unknown = TestFlags();
  const std::string path = WriteFile("unknown.conf", "# first\nworker = 1\n");
  EXPECT_THAT(Message(unknown.Parse({"--config", path}, Variables({}))),
              ::testing::AllOf(HasSubstr(path + ":2"), HasSubstr("did you mean --workers?")));
  Flags twice = TestFlags();
  const std::string doubled = WriteFile("twice.conf", "workers = 1\nworkers = 2\n");
  EXPECT_THAT(Message(twice.Parse({"--config", doubled}, Variables({}))), HasSubstr(":2: workers stands twice"));
}

struct BadValue {
  std::string flag;
  std::string text;
  std::string wanted;
};

class FlagValueTest : public ::testing::TestWithParam<BadValue> {};

TEST_P(FlagValueTest, SaysWhatWasWantedAndFoundAndWhere) {
  Flags flags = TestFlags();
  ASSERT_TRUE(flags.Parse({}, Variables({{"HEADSCOPE_TEST_" + GetParam().flag, GetParam().text}})).ok());
  absl::Status status;
  if (GetParam().flag == "LISTEN") status = flags.Address("listen").status();
  if (GetParam().flag == "MEMORY") status = flags.Bytes("memory").status();
  if (GetParam().flag == "DELAY") status = flags.Duration("delay").status();
  if (GetParam().flag == "WORKERS") status = flags.Integer("workers", 0, 8).status();
  if (GetParam().flag == "STORE") status = flags.Choice("store", {"sqlite", "other"}).status();
  if (GetParam().flag == "LOUD") status = flags.Boolean("loud").status();
  EXPECT_THAT(Message(status), HasSubstr("wanted " + GetParam().wanted));
  EXPECT_THAT(Message(status), HasSubstr("found \"" + GetParam().text + "\" (from HEADSCOPE_TEST_"));
}

INSTANTIATE_TEST_SUITE_P(
    Values, FlagValueTest,
    ::testing::Values(BadValue{"LISTEN", "localhost", "HOST:PORT"}, BadValue{"LISTEN", "a:70000", "HOST:PORT"},
                      BadValue{"LISTEN", "a:", "HOST:PORT"}, BadValue{"LISTEN", ":1", "HOST:PORT"},
                      BadValue{"LISTEN", "::1:1", "an IPv6 address in brackets"}, BadValue{"MEMORY", "4GB", "a size"},
                      BadValue{"MEMORY", "-1", "a size"}, BadValue{"MEMORY", "99999999TiB", "a size"},
                      BadValue{"DELAY", "soon", "a time"}, BadValue{"DELAY", "-1s", "a time"},
                      BadValue{"WORKERS", "9", "a whole number from 0 to 8"}, BadValue{"WORKERS", "1.5", "a whole"},
                      BadValue{"STORE", "postgresql", "one of sqlite, other"},
                      BadValue{"LOUD", "yes", "true or false"}));

TEST(FlagsTest, ValuesHaveUnits) {
  Flags flags = TestFlags();
  ASSERT_TRUE(
      flags.Parse({"--memory", "1.5KiB", "--delay", "90", "--loud", "--listen", "[::1]:0"}, Variables({})).ok());
  EXPECT_EQ(*flags.Bytes("memory"), 1536u);
  EXPECT_EQ(*flags.Duration("delay"), absl::Seconds(90));
  EXPECT_TRUE(*flags.Boolean("loud"));
  EXPECT_EQ(flags.Address("listen")->host, "::1");
  EXPECT_EQ(flags.Address("listen")->ToString(), "[::1]:0");
}

TEST(FlagsTest, LoopbackIsRecognised) {
  EXPECT_TRUE((HostPort{"127.0.0.1", 1}.IsLoopback()));
  EXPECT_TRUE((HostPort{"::1", 1}.IsLoopback()));
  EXPECT_TRUE((HostPort{"localhost", 1}.IsLoopback()));
  EXPECT_FALSE((HostPort{"0.0.0.0", 1}.IsLoopback()));
  EXPECT_FALSE((HostPort{"::", 1}.IsLoopback()));
}

TEST(FlagsTest, HelpNamesEveryFlagDefaultAndVariable) {
  Flags flags = TestFlags();
  ASSERT_TRUE(flags.Parse({"--nonsense", "--help"}, Variables({})).ok());
  EXPECT_TRUE(flags.help_wanted());
  const std::string help = flags.Help("A test program.");
  EXPECT_THAT(help, HasSubstr("A test program."));
  EXPECT_THAT(help, HasSubstr("--data-dir DIR\n      Where data is kept. [HEADSCOPE_TEST_DATA_DIR]"));
  EXPECT_THAT(help, HasSubstr("Default: 1GiB."));
  EXPECT_THAT(help, HasSubstr("--config FILE"));
}

}  // namespace
}  // namespace headscope
