#include "client/report/head_map.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/report/html.h"
#include "client/report/number_text.h"

namespace headscope::report {
namespace {

// In pixels.
struct Layout {
  explicit Layout(const client::Matrix& values)
      : cell(std::clamp<std::size_t>(320 / std::max<std::size_t>({values.rows, values.columns, 1}), 5, 40)),
        width(left + cell * values.columns + 8),
        height(top + cell * values.rows + bottom) {}

  static constexpr std::size_t left = 34;
  static constexpr std::size_t top = 4;
  static constexpr std::size_t bottom = 34;
  std::size_t cell;
  std::size_t width;
  std::size_t height;
};

// Every how many cells one is numbered: a power of 2 that leaves `pixels` for a number.
std::size_t TickStep(std::size_t cell, std::size_t pixels) {
  std::size_t step = 1;
  while (step * cell < pixels) step *= 2;
  return step;
}

std::string Ticks(const client::Matrix& values, const Layout& layout) {
  std::string markup = "<g class=\"ticks\">";
  const double half = static_cast<double>(layout.cell) / 2;
  for (std::size_t layer = 0; layer < values.rows; layer += TickStep(layout.cell, 14)) {
    const double y = static_cast<double>(Layout::top + layer * layout.cell) + half;
    absl::StrAppend(&markup, "<text class=\"end\" x=\"", Layout::left - 5, "\" y=\"", Coordinate(y + 3.5), "\">", layer,
                    "</text>");
  }
  const std::size_t below = Layout::top + values.rows * layout.cell + 13;
  for (std::size_t head = 0; head < values.columns; head += TickStep(layout.cell, 22)) {
    const double x = static_cast<double>(Layout::left + head * layout.cell) + half;
    absl::StrAppend(&markup, "<text class=\"middle\" x=\"", Coordinate(x), "\" y=\"", below, "\">", head, "</text>");
  }
  const double middle = static_cast<double>(values.columns * layout.cell) / 2 + Layout::left;
  absl::StrAppend(&markup, "<text class=\"middle title\" x=\"", Coordinate(middle), "\" y=\"", below + 16,
                  "\">head</text>");
  absl::StrAppend(&markup, "<text class=\"middle title\" transform=\"translate(9 ",
                  Coordinate(static_cast<double>(values.rows * layout.cell) / 2), ") rotate(-90)\">layer</text>");
  return markup + "</g>\n";
}

// In the colours of `scale`; `style` says when they are shown. One path for each shade: a stroke of one cell's length
// for each cell.
std::string Cells(const client::Matrix& values, const ColourScale& scale, const Layout& layout, const char* style) {
  std::map<Shade, std::string> paths;
  // Large cells stand apart.
  const bool gaps = layout.cell >= 12;
  for (std::size_t layer = 0; layer < values.rows; ++layer) {
    for (std::size_t head = 0; head < values.columns; ++head) {
      const Shade shade = scale.ShadeOf(values.At(layer, head));
      const char* stroke = shade.ramp == Ramp::kUndefined ? "m.2 -.3l.5 .6" : gaps ? "h.92" : "h1";
      absl::StrAppend(&paths[shade], "M", head, " ", layer, stroke);
    }
  }
  std::string markup =
      absl::StrCat("<g class=\"cells ", style, gaps ? " apart" : "", "\" transform=\"translate(", Layout::left, " ",
                   Coordinate(Layout::top + static_cast<double>(layout.cell) / 2), ") scale(", layout.cell, ")\">\n");
  for (const auto& [shade, path] : paths) {
    absl::StrAppend(&markup, "<path ", ShadeAttributes(shade), " d=\"", path, "\"/>\n");
  }
  return markup + "</g>\n";
}

// "the largest is layer 3 head 2, 0.1234".
std::string Extremes(const client::Matrix& values) {
  std::optional<std::size_t> largest, smallest;
  for (std::size_t index = 0; index < values.values.size(); ++index) {
    const double value = values.values[index];
    if (!std::isfinite(value)) continue;
    if (!largest || value > values.values[*largest]) largest = index;
    if (!smallest || value < values.values[*smallest]) smallest = index;
  }
  if (!largest) return "no value is defined";
  const auto name = [&values](std::size_t index) {
    return absl::StrCat("layer ", index / values.columns, " head ", index % values.columns, ", ",
                        NumberText(values.values[index]));
  };
  return absl::StrCat("the largest is ", name(*largest), "; the smallest is ", name(*smallest));
}

// The scale of this map alone, of the same kind.
ColourScale OwnScale(const HeadMap& map, const Colours& colours) {
  return colours.shared.is_diverging() ? ColourScale::DivergingOf({map.values}) : ColourScale::Of({map.values});
}

std::string Image(const HeadMap& map, const Colours& colours) {
  const client::Matrix& values = *map.values;
  const Layout layout(values);
  const std::string own = colours.with_own ? Cells(values, OwnScale(map, colours), layout, "own") : "";
  return absl::StrCat(
      "<svg role=\"img\" aria-label=\"Heat map of ", Escape(map.label), ", ", CountText(values.rows, "layer"), " by ",
      CountText(values.columns, "head"), ": ", Extremes(values), ".\" viewBox=\"0 0 ", layout.width, " ", layout.height,
      "\" width=\"", layout.width, "\" height=\"", layout.height, "\" data-cell=\"", layout.cell, "\" data-left=\"",
      Layout::left, "\" data-top=\"", Layout::top, "\" data-layers=\"", values.rows, "\" data-heads=\"", values.columns,
      "\">\n", Cells(values, colours.shared, layout, "shared"), own, Ticks(values, layout),
      // The script moves it.
      "<rect class=\"cursor\" visibility=\"hidden\" width=\"", layout.cell, "\" height=\"", layout.cell,
      "\"/></svg>\n");
}

std::string Numbers(const HeadMap& map) {
  const client::Matrix& values = *map.values;
  Table table{map.label, {"layer \\ head"}, {}};
  for (std::size_t head = 0; head < values.columns; ++head) table.header.push_back(absl::StrCat(head));
  for (std::size_t layer = 0; layer < values.rows; ++layer) {
    std::vector<std::string> row = {absl::StrCat(layer)};
    for (std::size_t head = 0; head < values.columns; ++head) {
      std::string cell = NumberText(values.At(layer, head));
      if (map.standard_error) absl::StrAppend(&cell, " ± ", NumberText(map.standard_error->At(layer, head), 2));
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  return Details("Numbers", ScrollBox(absl::StrCat("Numbers of ", map.label), TableMarkup(table)));
}

// What stands at the ends and in the middle of a ramp.
struct LegendTexts {
  std::string least;
  std::string middle;
  std::string most;
};

// The ramp from end to end, drawn by the scale itself.
std::string Legend(const ColourScale& scale, const LegendTexts& texts, const char* style) {
  constexpr int kSteps = 96;
  std::string cells;
  for (int step = 0; step < kSteps; ++step) {
    const double value = scale.least() + (scale.most() - scale.least()) * step / (kSteps - 1);
    absl::StrAppend(&cells, "<path ", ShadeAttributes(scale.ShadeOf(value)), " d=\"M", step, " 0h1.05\"/>");
  }
  return absl::StrCat("<div class=\"legend ", style, "\"><svg role=\"img\" aria-label=\"Colours from ", texts.least,
                      " to ", texts.most, "\" viewBox=\"0 0 ", kSteps, " 6\" width=\"288\" height=\"12\"",
                      " preserveAspectRatio=\"none\"><g class=\"cells\" transform=\"translate(0 3) scale(1 6)\">",
                      cells, "</g></svg><div class=\"ends\"><span>", texts.least, "</span><span>", texts.middle,
                      "</span><span>", texts.most, "</span></div></div>\n");
}

std::string Legends(const Colours& colours) {
  const ColourScale& scale = colours.shared;
  const std::string middle = scale.is_diverging() ? "0" : NumberText(scale.most() / 2, 3);
  std::string markup = Legend(scale, {NumberText(scale.least(), 3), middle, NumberText(scale.most(), 3)}, "shared");
  if (!colours.with_own) return markup;
  const bool is_diverging = scale.is_diverging();
  const LegendTexts own = {is_diverging ? "−largest" : "0", is_diverging ? "0" : "", "largest"};
  return markup + Legend(ColourScale(1, is_diverging), own, "own");
}

}  // namespace

std::string HeadMapFigure(const HeadMap& map, const Colours& colours) {
  std::string subtitle;
  if (!map.subtitle.empty()) subtitle = absl::StrCat("<span class=\"subtitle\">", Escape(map.subtitle), "</span>");
  if (colours.with_own) {
    absl::StrAppend(&subtitle, "<span class=\"subtitle own\">up to ", colours.shared.is_diverging() ? "±" : "",
                    NumberText(OwnScale(map, colours).most(), 3), "</span>");
  }
  return absl::StrCat("<figure class=\"map\"><figcaption><b>", Escape(map.label), "</b>", subtitle,
                      "</figcaption>\n<div class=\"stage\">", Image(map, colours),
                      "</div>\n<p class=\"readout\"></p>\n", Numbers(map), "</figure>\n");
}

std::string HeadMapGallery(const std::vector<HeadMap>& maps, const Colours& colours) {
  std::string markup = absl::StrCat(Legends(colours), "<div class=\"gallery\">\n");
  for (const HeadMap& map : maps) absl::StrAppend(&markup, HeadMapFigure(map, colours));
  return markup + "</div>\n";
}

}  // namespace headscope::report
