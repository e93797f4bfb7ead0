#include "worker/runtime/place_scores.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace headscope::worker {

absl::Status PlaceScores(const BatchScores& scores, const std::vector<std::size_t>& places, ScoreResult& result) {
  const std::size_t matrix = static_cast<std::size_t>(result.layers) * result.heads;
  if (scores.objective.size() != places.size() || scores.planes.size() != result.planes.size()) {
    return absl::InternalError(absl::StrCat("the method returned ", scores.objective.size(), " objectives and ",
                                            scores.planes.size(), " planes, expected ", places.size(), " and ",
                                            result.planes.size()));
  }
  auto target = result.planes.begin();
  for (const Plane& plane : scores.planes) {
    if (plane.name != target->first || plane.values.size() != places.size() * matrix) {
      return absl::InternalError(absl::StrCat("the method returned plane \"", plane.name, "\" with ",
                                              plane.values.size(), " values, expected \"", target->first, "\" with ",
                                              places.size() * matrix));
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::copy_n(plane.values.begin() + static_cast<std::ptrdiff_t>(i * matrix), matrix,
                  target->second.begin() + static_cast<std::ptrdiff_t>(places[i] * matrix));
    }
    ++target;
  }
  for (std::size_t i = 0; i < places.size(); ++i) result.objective[places[i]] = scores.objective[i];
  return absl::OkStatus();
}

}  // namespace headscope::worker
