#include "client/cli/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/numbers.h"

namespace headscope::cli {
namespace {

struct Rgb {
  int red = 0;
  int green = 0;
  int blue = 0;
};

// Dark violet to yellow, for values of one sign.
constexpr std::array<Rgb, 5> kSequential = {
    {{44, 18, 84}, {62, 73, 137}, {38, 130, 142}, {83, 197, 104}, {253, 231, 37}}};
// Blue through near-black to red, for signed values: zero in the middle.
constexpr std::array<Rgb, 5> kDiverging = {{{70, 140, 255}, {40, 75, 150}, {38, 38, 42}, {150, 50, 45}, {255, 95, 75}}};
constexpr std::array<const char*, 5> kShades = {" ", "░", "▒", "▓", "█"};

// Where a value lies between the ends of the scale.
struct Scale {
  double least = 0;
  double most = 0;
  bool is_signed = false;

  // 0 to 1 along the colours.
  double Position(double value) const {
    if (!(most > least)) return 0;
    return std::clamp((value - least) / (most - least), 0.0, 1.0);
  }
  // 0 to 1 by size alone.
  double Strength(double value) const {
    const double largest = std::max(std::abs(least), std::abs(most));
    return largest > 0 ? std::min(std::abs(value) / largest, 1.0) : 0;
  }
};

Scale ScaleOf(const client::Matrix& matrix) {
  Scale scale;
  for (const double value : matrix.values) {
    if (!std::isfinite(value)) continue;
    scale.least = std::min(scale.least, value);
    scale.most = std::max(scale.most, value);
  }
  scale.is_signed = scale.least < 0;
  if (scale.is_signed) {
    // Zero lies in the middle, so that equal sizes look equally strong.
    scale.most = std::max(scale.most, -scale.least);
    scale.least = -scale.most;
  }
  return scale;
}

Rgb Colour(const Scale& scale, double value) {
  const auto& stops = scale.is_signed ? kDiverging : kSequential;
  const double position = scale.Position(value) * (stops.size() - 1);
  const std::size_t stop = std::min<std::size_t>(static_cast<std::size_t>(position), stops.size() - 2);
  const double part = position - static_cast<double>(stop);
  const auto mix = [part](int from, int to) { return static_cast<int>(std::lround(from + part * (to - from))); };
  const Rgb& from = stops[stop];
  const Rgb& to = stops[stop + 1];
  return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

// The nearest colour of the 6 x 6 x 6 cube that 256-colour terminals have.
int CubeColour(const Rgb& colour) {
  const auto level = [](int value) { return static_cast<int>(std::lround(value * 5 / 255.0)); };
  return 16 + 36 * level(colour.red) + 6 * level(colour.green) + level(colour.blue);
}

std::string ShadeCell(const Scale& scale, double value) {
  const auto shade = static_cast<std::size_t>(std::ceil(scale.Strength(value) * (kShades.size() - 1) - 1e-9));
  const char* character = kShades[std::min(shade, kShades.size() - 1)];
  return absl::StrCat(value < 0 ? "-" : character, character);
}

// Two columns.
std::string Cell(const Scale& scale, double value, Colours colours) {
  if (!std::isfinite(value)) return "??";
  const std::string shade = ShadeCell(scale, value);
  if (colours == Colours::kNone) return shade;
  const Rgb colour = Colour(scale, value);
  // Foreground and background alike: the shade stays in what is copied, the eye sees a plain block.
  if (colours == Colours::k256) {
    return absl::StrFormat("\x1b[38;5;%d;48;5;%dm%s\x1b[0m", CubeColour(colour), CubeColour(colour), shade);
  }
  const std::string rgb = absl::StrCat(colour.red, ";", colour.green, ";", colour.blue);
  return absl::StrCat("\x1b[38;2;", rgb, ";48;2;", rgb, "m", shade, "\x1b[0m");
}

std::string Legend(const Scale& scale, Colours colours) {
  constexpr int kSteps = 9;
  std::string bar;
  for (int step = 0; step < kSteps; ++step) {
    bar += Cell(scale, scale.least + (scale.most - scale.least) * step / (kSteps - 1), colours);
  }
  return absl::StrCat("  ", ShortNumber(scale.least), " ", bar, " ", ShortNumber(scale.most), "\n");
}

constexpr std::size_t kLabel = 9;

// Heads `first` to `last` of every layer.
std::string Block(const client::Matrix& matrix, const Scale& scale, std::size_t first, std::size_t last,
                  Colours colours) {
  std::string text = absl::StrFormat("%*s", kLabel, "head ");
  for (std::size_t head = first; head < last; ++head) text += absl::StrFormat("%2d ", head % 100);
  text += "\n";
  for (std::size_t layer = 0; layer < matrix.rows; ++layer) {
    text += absl::StrFormat("layer %2d ", layer);
    for (std::size_t head = first; head < last; ++head) text += Cell(scale, matrix.At(layer, head), colours) + " ";
    text += "\n";
  }
  return text;
}

}  // namespace

Colours ChooseColours(bool is_terminal, const std::function<std::string(const std::string&)>& variable) {
  const auto value = [&variable](const char* name) { return variable ? variable(name) : std::string(); };
  if (!value("NO_COLOR").empty()) return Colours::kNone;
  const std::string force = value("CLICOLOR_FORCE");
  const bool forced = !force.empty() && force != "0";
  const std::string terminal = value("TERM");
  if (!forced && (!is_terminal || terminal.empty() || terminal == "dumb")) return Colours::kNone;
  const std::string depth = value("COLORTERM");
  return depth == "truecolor" || depth == "24bit" ? Colours::kTrueColour : Colours::k256;
}

std::string HeatMap(const client::Matrix& matrix, const HeatMapStyle& style) {
  constexpr int kCell = 3;
  const Scale scale = ScaleOf(matrix);
  const int fitting = std::max(1, (style.width - static_cast<int>(kLabel)) / kCell);
  const auto heads = static_cast<std::size_t>(fitting);
  std::string text;
  for (std::size_t first = 0; first < matrix.columns; first += heads) {
    if (first > 0) text += "\n";
    text += Block(matrix, scale, first, std::min(first + heads, matrix.columns), style.colours);
  }
  return text + "\n" + Legend(scale, style.colours);
}

std::vector<RankedHead> TopHeads(const client::Matrix& matrix, std::size_t count) {
  std::vector<RankedHead> heads;
  for (std::size_t layer = 0; layer < matrix.rows; ++layer) {
    for (std::size_t head = 0; head < matrix.columns; ++head) heads.push_back({layer, head, matrix.At(layer, head)});
  }
  // What is not a number comes last, so that the order stays an order.
  const auto size = [](const RankedHead& head) { return std::isnan(head.value) ? -1 : std::abs(head.value); };
  std::stable_sort(heads.begin(), heads.end(),
                   [&size](const RankedHead& left, const RankedHead& right) { return size(left) > size(right); });
  heads.resize(std::min(count, heads.size()));
  return heads;
}

}  // namespace headscope::cli
