// The heat map of one [layers, heads] matrix, as a figure: image, text alternative and the numbers as a table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/headscope/pattern.h"
#include "client/report/colour_scale.h"

namespace headscope::report {

struct HeadMap {
  // Plain text: what is shown.
  std::string label;
  // Plain text; may be empty.
  std::string subtitle;
  // Not null, outlives this.
  const client::Matrix* values = nullptr;
  // The shape of `values`; null where there is none.
  const client::Matrix* standard_error = nullptr;
};

// How the maps of a gallery are coloured.
struct Colours {
  // Of all maps.
  ColourScale shared;
  // Drawn too, for the reader to switch to: each map on a scale of its own.
  bool with_own = false;
};

// Layers run down, heads across. Cells of one colour are one path, so that a map of n heads takes about 10 n bytes.
std::string HeadMapFigure(const HeadMap& map, const Colours& colours);
// Figures side by side beneath their legend.
std::string HeadMapGallery(const std::vector<HeadMap>& maps, const Colours& colours);

}  // namespace headscope::report
