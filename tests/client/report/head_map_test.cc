#include "client/report/head_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace headscope::report {
namespace {

using client::Matrix;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HeadMapTest, DrawsHeadsOfOneShadeAsOnePath) {
  const Matrix values{2, 2, {0, 1, 1, 0}};

  const std::string figure = HeadMapFigure({"copy", "", &values, nullptr}, {ColourScale::Of({&values})});

  EXPECT_THAT(figure, HasSubstr("<path class=\"s\" style=\"--t:0\" d=\"M0 0h.92M1 1h.92\"/>"));
  EXPECT_THAT(figure, HasSubstr("<path class=\"s\" style=\"--t:1\" d=\"M1 0h.92M0 1h.92\"/>"));
}

TEST(HeadMapTest, SaysInWordsWhatItShows) {
  const Matrix values{2, 3, {0.1, 0.2, 0.3, 0.05, 0.6, 0.5}};

  const std::string figure = HeadMapFigure({"copy & paste", "step 3", &values, nullptr}, {ColourScale::Of({&values})});

  EXPECT_THAT(figure,
              HasSubstr("role=\"img\" aria-label=\"Heat map of copy &amp; paste, 2 layers by 3 heads: the largest is "
                        "layer 1 head 1, 0.6; the smallest is layer 1 head 0, 0.05.\""));
  EXPECT_THAT(figure, HasSubstr("<b>copy &amp; paste</b><span class=\"subtitle\">step 3</span>"));
}

TEST(HeadMapTest, HasItsNumbersAsATable) {
  const Matrix values{1, 2, {0.25, std::nan("")}};
  const Matrix error{1, 2, {0.0123, std::nan("")}};

  const std::string figure = HeadMapFigure({"copy", "", &values, &error}, {ColourScale::Of({&values})});

  EXPECT_THAT(figure, HasSubstr("<tr><th scope=\"row\">0<td>0.25 ± 0.012<td>– ± –\n"));
  EXPECT_THAT(figure, HasSubstr("<path class=\"u\" d=\"M1 0"));
}

TEST(HeadMapTest, SurvivesAMatrixWithoutAnyDefinedValue) {
  const Matrix values{1, 1, {std::nan("")}};

  EXPECT_THAT(HeadMapFigure({"x", "", &values, nullptr}, {ColourScale::Of({&values})}),
              HasSubstr("no value is defined"));
}

TEST(HeadMapGalleryTest, SharesOneLegendWithItsNumbers) {
  const Matrix values{1, 1, {-2}};

  const std::string gallery =
      HeadMapGallery({{"a", "", &values, nullptr}, {"b", "", &values, nullptr}}, {ColourScale::Of({&values})});

  EXPECT_THAT(gallery, HasSubstr("aria-label=\"Colours from −2 to 2\""));
  EXPECT_EQ(gallery.find("class=\"legend\""), gallery.rfind("class=\"legend\""));
  EXPECT_THAT(gallery, HasSubstr("<span>−2</span><span>0</span><span>2</span>"));
  EXPECT_THAT(gallery, Not(HasSubstr("nan")));
}

TEST(HeadMapGalleryTest, CanColourEachMapByItself) {
  const Matrix small{1, 2, {0, 0.125}};
  const Matrix large{1, 2, {0, 8}};

  const std::string gallery = HeadMapGallery({{"small", "", &small, nullptr}, {"large", "", &large, nullptr}},
                                             {ColourScale::Of({&small, &large}), true});

  // The largest head of the small map is at the end of its own scale and low on the shared one.
  const std::string figure = gallery.substr(gallery.find("Heat map of small"), gallery.find("Heat map of large"));
  EXPECT_THAT(figure, HasSubstr("<g class=\"cells own apart\""));
  EXPECT_THAT(figure, HasSubstr("<path class=\"s\" style=\"--t:1\" d=\"M1 0h.92\"/>"));
  EXPECT_THAT(figure, HasSubstr("<path class=\"s\" style=\"--t:0.0161\" d=\"M1 0h.92\"/>"));
  EXPECT_THAT(gallery, HasSubstr("<span class=\"subtitle own\">up to 0.125</span>"));
  EXPECT_THAT(gallery, HasSubstr("aria-label=\"Colours from 0 to largest\""));
}

}  // namespace
}  // namespace headscope::report
