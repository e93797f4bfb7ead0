#include "tests/architecture/include_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace headscope::architecture {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(IncludeRulesTest, NamesFileLineAndRule) {
  EXPECT_THAT(Violations("server/service/x.cc", "#include <vector>\n#include \"worker/model/model.h\"\n"),
              ElementsAre("server/service/x.cc:2: server/service may not include worker/model (worker/model/model.h)"));
  EXPECT_THAT(Violations("server/store/x.cc", "#include <ATen/ATen.h>"),
              ElementsAre("server/store/x.cc:1: server/store may not use torch (ATen/ATen.h)"));
  EXPECT_THAT(Violations("client/cli/x.cc", "  #include \"tests/fakes/fake_clock.h\""),
              ElementsAre("client/cli/x.cc:1: client/cli may not include this folder (tests/fakes/fake_clock.h)"));
  EXPECT_THAT(
      Violations("worker/model/families/x.cc", "#include \"worker/model/model.h\"\n#include \"absl/status/status.h\""),
      IsEmpty());
  EXPECT_THAT(Violations("worker/model/x.cc", "#include \"worker/model/tokenizer/tokenizer.h\""), testing::SizeIs(1));
  EXPECT_THAT(Violations("server/unknown.cc", "// no includes"), IsEmpty());
  EXPECT_THAT(Violations("elsewhere/x.cc", ""),
              ElementsAre("elsewhere/x.cc:1: no rule says what this folder may include"));
}

TEST(IncludeRulesTest, EveryProductFileKeepsThem) {
  const fs::path root = HEADSCOPE_SOURCE_DIR;
  int files = 0;
  for (const char* top : {"proto", "server", "worker", "client"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::ifstream file(entry.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      ++files;
      for (const std::string& violation : Violations(fs::relative(entry.path(), root).generic_string(), text)) {
        ADD_FAILURE() << violation;
      }
    }
  }
  EXPECT_GT(files, 100);
}

}  // namespace
}  // namespace headscope::architecture
