#include "server/analysis/statistics/mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {
namespace {

absl::Status Refused(std::string message) {
  return MakeError(absl::StatusCode::kInvalidArgument, std::move(message), "BAD_MIXTURE");
}

double WeightOf(const MixtureComponent& component) { return std::max(component.coefficient, 0.0); }

double CapOf(const MixtureComponent& component) {
  if (WeightOf(component) == 0) return static_cast<double>(component.floor);
  return component.cap ? static_cast<double>(*component.cap) : std::numeric_limits<double>::infinity();
}

absl::Status Check(const std::vector<MixtureComponent>& components, std::uint64_t budget) {
  if (components.empty()) return Refused("there are no components");
  double floors = 0;
  double caps = 0;
  for (const MixtureComponent& component : components) {
    if (!std::isfinite(component.coefficient)) {
      return Refused(absl::StrCat("the coefficient of ", component.name, " is ", component.coefficient));
    }
    if (component.cap && component.floor > *component.cap) {
      return Refused(
          absl::StrCat("the floor of ", component.name, " is ", component.floor, ", above its cap ", *component.cap));
    }
    floors += static_cast<double>(component.floor);
    caps += CapOf(component);
  }
  if (floors > static_cast<double>(budget)) {
    return Refused(absl::StrCat("the floors sum to ", floors, ", the budget is ", budget));
  }
  if (caps < static_cast<double>(budget)) {
    return Refused(absl::StrCat("at most ", caps, " samples can be taken of components with positive coefficients and ",
                                "floors of the others, the budget is ", budget));
  }
  return absl::OkStatus();
}

double Clamped(const MixtureComponent& component, double scale) {
  return std::clamp(scale * WeightOf(component), static_cast<double>(component.floor), CapOf(component));
}

// The scales at which a component leaves its floor and reaches its cap.
double LeavesFloor(const MixtureComponent& component) {
  return static_cast<double>(component.floor) / WeightOf(component);
}
double ReachesCap(const MixtureComponent& component) { return CapOf(component) / WeightOf(component); }

// Coefficients count by their ratios alone; near 1 none of what is computed from them overflows.
std::vector<MixtureComponent> Scaled(std::vector<MixtureComponent> components) {
  double largest = 0;
  for (const MixtureComponent& component : components) largest = std::max(largest, WeightOf(component));
  if (largest == 0) return components;
  const int shift = -std::ilogb(largest);
  for (MixtureComponent& component : components) component.coefficient = std::ldexp(component.coefficient, shift);
  return components;
}

// The scale at which the clamped amounts sum to the budget. Between such places the sum is linear.
double FindScale(const std::vector<MixtureComponent>& components, double budget) {
  std::vector<double> bends;
  for (const MixtureComponent& component : components) {
    if (WeightOf(component) == 0) continue;
    bends.push_back(LeavesFloor(component));
    if (component.cap) bends.push_back(ReachesCap(component));
  }
  std::sort(bends.begin(), bends.end());
  const auto sum_at = [&](double scale) {
    double sum = 0;
    for (const MixtureComponent& component : components) sum += Clamped(component, scale);
    return sum;
  };
  double low = 0;
  for (const double bend : bends) {
    if (sum_at(bend) > budget) break;
    low = bend;
  }
  double slope = 0;
  for (const MixtureComponent& component : components) {
    const double weight = WeightOf(component);
    if (weight > 0 && LeavesFloor(component) <= low && low < ReachesCap(component)) slope += weight;
  }
  return slope == 0 ? low : low + std::max(0.0, budget - sum_at(low)) / slope;
}

// Largest remainders first, among those below their cap.
void HandOutRest(const std::vector<MixtureComponent>& components, std::uint64_t rest,
                 std::vector<MixtureShare>& shares) {
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  const auto remainder = [&](std::size_t i) { return shares[i].exact - static_cast<double>(shares[i].samples); };
  std::stable_sort(order.begin(), order.end(),
                   [&](auto left, auto right) { return remainder(left) > remainder(right); });
  while (rest > 0) {
    const std::uint64_t before = rest;
    for (const std::size_t i : order) {
      if (rest == 0) break;
      if (static_cast<double>(shares[i].samples) + 1 > CapOf(components[i])) continue;
      ++shares[i].samples;
      --rest;
    }
    if (rest == before) break;
  }
}

}  // namespace

absl::StatusOr<std::vector<MixtureShare>> PlanMixture(const std::vector<MixtureComponent>& components,
                                                      std::uint64_t budget) {
  if (absl::Status status = Check(components, budget); !status.ok()) return status;
  const std::vector<MixtureComponent> scaled = Scaled(components);
  const double scale = FindScale(scaled, static_cast<double>(budget));
  std::vector<MixtureShare> shares;
  std::uint64_t taken = 0;
  for (const MixtureComponent& component : scaled) {
    MixtureShare& share = shares.emplace_back();
    share.exact = Clamped(component, scale);
    // A whole number that rounding left a hair below itself is that number.
    share.samples = static_cast<std::uint64_t>(std::floor(share.exact * (1 + 1e-15) + 1e-9));
    share.clipped = component.coefficient < 0;
    share.at_floor = component.floor > 0 && share.exact <= static_cast<double>(component.floor);
    share.at_cap = component.cap && share.exact >= static_cast<double>(*component.cap);
    taken += share.samples;
  }
  if (taken < budget) HandOutRest(components, budget - taken, shares);
  for (MixtureShare& share : shares) {
    if (budget > 0) share.share = static_cast<double>(share.samples) / static_cast<double>(budget);
  }
  return shares;
}

}  // namespace headscope::server
