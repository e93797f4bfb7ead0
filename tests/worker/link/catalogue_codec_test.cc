#include "worker/link/catalogue_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

ModelEntry Entry() {
  ModelEntry entry;
  entry.name = "model";
  entry.layers = 2;
  entry.adapter = AdapterEntry();
  return entry;
}

TEST(CatalogueCodecTest, ShortListsAreWhole) {
  ModelEntry entry = Entry();
  entry.adapter->targets = {"q_proj", "v_proj"};
  entry.notes = {"a", "b", "c", "d"};
  const headscope::v1::ModelDetails details = ToProto({entry}).entries(0).details();
  EXPECT_THAT(details.adapter().targets(), ElementsAre("q_proj", "v_proj"));
  EXPECT_THAT(details.notes(), ElementsAre("a", "b", "c", "d"));
}

TEST(CatalogueCodecTest, LongListsSayHowManyMoreThereAre) {
  ModelEntry entry = Entry();
  entry.adapter->targets = std::vector<std::string>(40, "layer");
  entry.notes = {"a", "b", "c", "d", "e"};
  const headscope::v1::ModelDetails details = ToProto({entry}).entries(0).details();
  ASSERT_THAT(details.adapter().targets(), SizeIs(16));
  EXPECT_EQ(details.adapter().targets(15), "and 25 more");
  EXPECT_THAT(details.notes(), ElementsAre("a", "b", "c", "and 2 more"));
}

TEST(CatalogueCodecTest, NothingIsSaidOfAModelThatWasNotRead) {
  ModelEntry entry = Entry();
  entry.layers = 0;
  entry.unsupported = "architecture X is not supported";
  const v1::Catalogue catalogue = ToProto({entry});
  EXPECT_FALSE(catalogue.entries(0).has_details());
  EXPECT_EQ(catalogue.entries(0).unsupported(), entry.unsupported);
}

}  // namespace
}  // namespace headscope::worker
