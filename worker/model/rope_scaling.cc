#include "worker/model/rope_scaling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "worker/model/rope_frequencies.h"

namespace headscope::worker {
namespace {

constexpr char kOriginal[] = "original_max_position_embeddings";

// One reading of a rope's object.
class Scaling {
 public:
  Scaling(const ConfigReader& config, ConfigReader& numbers, const UnscaledRope& base,
          std::optional<std::int64_t> original_positions)
      : config_(config), numbers_(numbers), base_(base), original_positions_(original_positions) {}

  void Default(RopeReading*) {}

  void Linear(RopeReading* reading) {
    const double factor = numbers_.Positive("factor");
    for (float& frequency : reading->rope.inverse_frequency) frequency /= static_cast<float>(factor);
    Stretch(static_cast<double>(base_.positions) * factor, reading);
  }

  // The base frequency grows with the length beyond max_position_embeddings. The reference implementation takes the
  // longest sample of the batch; here it is each sample's own.
  void Dynamic(RopeReading* reading) {
    const double factor = numbers_.Positive("factor");
    const std::int64_t original = Original(base_.positions);
    if (original != base_.positions) {
      numbers_.Invalid(absl::StrCat("rope_type dynamic counts from max_position_embeddings ", base_.positions, ", but ",
                                    kOriginal, " is ", original));
    }
    if (factor < 1) numbers_.Invalid(absl::StrCat("factor must be at least 1, found ", factor));
    if (base_.dimensions < 4) numbers_.Invalid("rope_type dynamic needs four rotary dimensions at least");
    reading->rope.beyond = LongRope{
        .original_positions = base_.positions, .inverse_frequency = {}, .theta = base_.theta, .factor = factor};
    Stretch(static_cast<double>(base_.positions) * factor, reading);
  }

  void Llama3(RopeReading* reading) {
    Llama3Scaling llama3;
    llama3.factor = numbers_.Positive("factor");
    llama3.low_freq_factor = numbers_.Positive("low_freq_factor");
    llama3.high_freq_factor = numbers_.Positive("high_freq_factor");
    if (!numbers_.HasValue(kOriginal) && !config_.HasValue(kOriginal)) numbers_.Size(kOriginal, kMaxPositions);
    llama3.original_positions = static_cast<double>(Original(base_.positions));
    if (!numbers_.status().ok()) return;
    if (llama3.high_freq_factor <= llama3.low_freq_factor) {
      return numbers_.Invalid(absl::StrCat("high_freq_factor must be above low_freq_factor, found ",
                                           llama3.high_freq_factor, " and ", llama3.low_freq_factor));
    }
    ScaleLlama3(llama3, reading->rope.inverse_frequency);
  }

  void Yarn(RopeReading* reading) {
    YarnScaling yarn;
    yarn.theta = base_.theta;
    const std::int64_t original = Original(base_.positions);
    yarn.original_positions = static_cast<double>(original);
    yarn.factor = Factor(original);
    yarn.beta_fast = numbers_.OptionalPositive("beta_fast", 32.0).value_or(32.0);
    yarn.beta_slow = numbers_.OptionalPositive("beta_slow", 1.0).value_or(1.0);
    yarn.truncate = numbers_.Boolean("truncate", true);
    if (yarn.theta == 1) numbers_.Invalid("rope_type yarn needs a rope_theta other than 1");
    if (yarn.beta_fast < yarn.beta_slow) {
      numbers_.Invalid(
          absl::StrCat("beta_fast must not be below beta_slow, found ", yarn.beta_fast, " and ", yarn.beta_slow));
    }
    reading->rope.attention_scaling = YarnAttentionFactor(yarn.factor);
    if (!numbers_.status().ok()) return;
    ScaleYarn(yarn, reading->rope.inverse_frequency);
    Stretch(yarn.original_positions * yarn.factor, reading);
  }

  void Long(RopeReading* reading) {
    const std::int64_t original = Original(original_positions_.value_or(base_.positions));
    const std::vector<double> short_factors = Factors("short_factor"), long_factors = Factors("long_factor");
    const double ratio = static_cast<double>(base_.positions) / static_cast<double>(original);
    const double factor = numbers_.OptionalPositive("factor", std::nullopt).value_or(ratio);
    const std::optional<double> given = numbers_.OptionalPositive("attention_factor", std::nullopt);
    // Generations of the reference implementation disagree on which of the two counts.
    if (!given.has_value() && original != base_.positions && std::abs(factor - ratio) > 1e-6 * ratio) {
      numbers_.Invalid(absl::StrCat("factor ", factor, " is not max_position_embeddings / ", kOriginal, ", which is ",
                                    ratio, "; give attention_factor"));
    }
    if (!given.has_value() && factor > 1 && original < 2) numbers_.Invalid(absl::StrCat(kOriginal, " must be above 1"));
    if (!numbers_.status().ok()) return;
    const double magnitude =
        factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original)));
    reading->rope.attention_scaling = given.value_or(magnitude);
    reading->rope.inverse_frequency = LongFrequencies(base_.theta, short_factors);
    reading->rope.beyond =
        LongRope{.original_positions = original, .inverse_frequency = LongFrequencies(base_.theta, long_factors)};
    Stretch(static_cast<double>(original) * factor, reading);
  }

 private:
  static void Stretch(double positions, RopeReading* reading) {
    const double bounded = std::min(positions, static_cast<double>(kMaxPositions));
    reading->positions = std::max(reading->positions, static_cast<std::int64_t>(bounded));
  }

  // Positions before scaling: beside the other numbers, or in the config around them, or `fallback`.
  std::int64_t Original(std::int64_t fallback) {
    if (numbers_.HasValue(kOriginal)) return numbers_.Size(kOriginal, kMaxPositions);
    if (!config_.HasValue(kOriginal)) return fallback;
    ConfigReader outer(config_.raw(), config_.where());
    const std::int64_t original = outer.Size(kOriginal, kMaxPositions);
    if (!outer.status().ok()) numbers_.Invalid(std::string(outer.status().message()));
    return original;
  }

  double Factor(std::int64_t original) {
    if (numbers_.HasValue("factor") || original == base_.positions) return numbers_.Positive("factor");
    return static_cast<double>(base_.positions) / static_cast<double>(original);
  }

  double YarnAttentionFactor(double factor) {
    const std::optional<double> given = numbers_.OptionalPositive("attention_factor", std::nullopt);
    if (given.has_value()) return *given;
    const auto weight = [&](const char* key) {
      return numbers_.HasValue(key) && numbers_.raw()[key] != 0 ? numbers_.Positive(key) : 0.0;
    };
    const double mscale = weight("mscale"), mscale_all_dim = weight("mscale_all_dim");
    if (mscale == 0 || mscale_all_dim == 0) return YarnMagnitude(factor);
    return YarnMagnitude(factor, mscale) / YarnMagnitude(factor, mscale_all_dim);
  }

  // One positive number for each pair of rotary dimensions.
  std::vector<double> Factors(const char* key) {
    const auto pairs = static_cast<std::size_t>(base_.dimensions / 2);
    std::vector<double> factors;
    if (numbers_.HasValue(key) && numbers_.raw()[key].is_array()) {
      for (const nlohmann::json& value : numbers_.raw()[key]) {
        if (value.is_number()) factors.push_back(value.get<double>());
      }
    }
    const bool sound =
        factors.size() == pairs && numbers_.raw()[key].size() == pairs &&
        std::all_of(factors.begin(), factors.end(), [](double factor) { return factor >= 1e-6 && factor <= 1e6; });
    if (!sound) {
      numbers_.Invalid(
          absl::StrCat(key, " must be ", pairs, " numbers from 1e-6 to 1e6, one for each pair of rotary dimensions"));
    }
    return factors;
  }

  const ConfigReader& config_;
  ConfigReader& numbers_;
  const UnscaledRope& base_;
  const std::optional<std::int64_t> original_positions_;
};

struct RopeKind {
  const char* name;
  void (Scaling::*apply)(RopeReading*);
  // Beside kCommonKeys.
  std::vector<std::string> keys;
};

const std::vector<RopeKind>& Kinds() {
  static const std::vector<RopeKind> kinds = {
      {"default", &Scaling::Default, {}},
      {"linear", &Scaling::Linear, {"factor"}},
      {"dynamic", &Scaling::Dynamic, {"factor"}},
      {"llama3", &Scaling::Llama3, {"factor", "low_freq_factor", "high_freq_factor"}},
      {"yarn",
       &Scaling::Yarn,
       {"factor", "attention_factor", "beta_fast", "beta_slow", "truncate", "mscale", "mscale_all_dim"}},
      {"longrope", &Scaling::Long, {"factor", "attention_factor", "short_factor", "long_factor"}},
  };
  return kinds;
}

// "finetuned" tells how the model was made.
constexpr std::array<const char*, 6> kCommonKeys = {"rope_type", "type",     "rope_theta", "partial_rotary_factor",
                                                    kOriginal,   "finetuned"};

bool Knows(const RopeKind& kind, const std::string& key) {
  return std::find(kCommonKeys.begin(), kCommonKeys.end(), key) != kCommonKeys.end() ||
         std::find(kind.keys.begin(), kind.keys.end(), key) != kind.keys.end();
}

}  // namespace

void ScaleRope(const ConfigReader& config, ConfigReader& scaling, const std::string& kind, const UnscaledRope& base,
               std::optional<std::int64_t> original_positions, RopeReading* reading) {
  const auto found =
      std::find_if(Kinds().begin(), Kinds().end(), [&](const RopeKind& known) { return kind == known.name; });
  if (found == Kinds().end()) {
    return scaling.Unsupported(
        absl::StrCat("rope_type \"", kind.substr(0, 80), "\" is not supported; supported: ", RopeKindNames()));
  }
  for (const auto& [key, value] : scaling.raw().items()) {
    if (value.is_null() || Knows(*found, key)) continue;
    scaling.Unsupported(absl::StrCat("key \"", key.substr(0, 80), "\" is not known for rope_type ", kind));
  }
  Scaling reader(config, scaling, base, original_positions);
  (reader.*found->apply)(reading);
}

std::string RopeKindNames() {
  std::string names;
  for (const RopeKind& kind : Kinds()) absl::StrAppend(&names, names.empty() ? "" : ", ", kind.name);
  return names;
}

}  // namespace headscope::worker
