// A matrix of head scores as coloured cells for a terminal.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "client/headscope/pattern.h"

namespace headscope::cli {

enum class Colours { kNone, k256, kTrueColour };

// By NO_COLOR, CLICOLOR_FORCE, COLORTERM and TERM, as terminals' programs agree on them.
Colours ChooseColours(bool is_terminal, const std::function<std::string(const std::string&)>& variable);

struct HeatMapStyle {
  Colours colours = Colours::kNone;
  // Columns available; a wider matrix is shown in blocks of heads.
  int width = 80;
};

// Layers downwards, heads across, and a legend with numbers. Every cell is also a shade of grey drawn with characters
// (and a minus sign where it is negative), so that the map can be read without colours.
std::string HeatMap(const client::Matrix& matrix, const HeatMapStyle& style);

// A head and its place in a matrix.
struct RankedHead {
  std::size_t layer = 0;
  std::size_t head = 0;
  double value = 0;
};

// The `count` heads of largest |value|, largest first; the earlier head first where they are equal.
std::vector<RankedHead> TopHeads(const client::Matrix& matrix, std::size_t count);

}  // namespace headscope::cli
