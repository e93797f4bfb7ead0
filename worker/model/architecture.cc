#include "worker/model/architecture.h"

#include <array>
#include <cctype>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

struct RoleInfo {
  WeightRole role;
  const char* name;
  bool per_layer;
};

constexpr std::array<RoleInfo, 19> kRoles = {{
    {WeightRole::kEmbedding, "embedding", false},
    {WeightRole::kPositionEmbedding, "position embedding", false},
    {WeightRole::kFinalNorm, "final norm", false},
    {WeightRole::kHead, "vocabulary head", false},
    {WeightRole::kEmbeddingProjection, "embedding projection", false},
    {WeightRole::kHeadProjection, "vocabulary head projection", false},
    {WeightRole::kAttentionNorm, "attention norm", true},
    {WeightRole::kAttentionPostNorm, "norm after attention", true},
    {WeightRole::kQuery, "query", true},
    {WeightRole::kKey, "key", true},
    {WeightRole::kValue, "value", true},
    {WeightRole::kOutput, "attention output", true},
    {WeightRole::kQueryNorm, "query norm", true},
    {WeightRole::kKeyNorm, "key norm", true},
    {WeightRole::kMlpNorm, "MLP norm", true},
    {WeightRole::kMlpPostNorm, "norm after MLP", true},
    {WeightRole::kGate, "MLP gate", true},
    {WeightRole::kUp, "MLP up", true},
    {WeightRole::kDown, "MLP down", true},
}};

const RoleInfo& InfoOf(WeightRole role) { return kRoles[static_cast<std::size_t>(role)]; }

// [out] or [out, in] of the role's weight.
std::vector<std::int64_t> WeightShape(const DecoderSpec& spec, WeightRole role) {
  const std::int64_t query_rows = spec.heads * spec.head_dim, kv_rows = spec.kv_heads * spec.head_dim;
  const std::int64_t embedding_width = spec.projected_width.value_or(spec.width);
  switch (role) {
    case WeightRole::kEmbedding:
    case WeightRole::kHead:
      return {spec.vocabulary, embedding_width};
    case WeightRole::kEmbeddingProjection:
      return {spec.width, embedding_width};
    case WeightRole::kHeadProjection:
      return {embedding_width, spec.width};
    case WeightRole::kPositionEmbedding:
      return {spec.positions + spec.position_row_offset, spec.width};
    case WeightRole::kQuery:
      return {query_rows, spec.width};
    case WeightRole::kKey:
    case WeightRole::kValue:
      return {kv_rows, spec.width};
    case WeightRole::kOutput:
      return {spec.width, query_rows};
    case WeightRole::kQueryNorm:
    case WeightRole::kKeyNorm:
      return {spec.head_dim};
    case WeightRole::kGate:
    case WeightRole::kUp:
      return {spec.mlp_width, spec.width};
    case WeightRole::kDown:
      return {spec.width, spec.mlp_width};
    default:
      return {spec.width};
  }
}

// Roles whose weight the decoder reads, whatever the file says.
std::vector<WeightRole> NeededRoles(const DecoderSpec& spec) {
  using enum WeightRole;
  std::vector<WeightRole> roles = {kEmbedding, kAttentionNorm, kQuery, kKey, kValue, kOutput, kUp, kDown};
  if (spec.final_norm) roles.push_back(kFinalNorm);
  if (!spec.tied_head) roles.push_back(kHead);
  if (spec.projected_width.has_value()) roles.insert(roles.end(), {kEmbeddingProjection, kHeadProjection});
  if (spec.position == PositionKind::kLearned) roles.push_back(kPositionEmbedding);
  if (!spec.parallel_shared_norm) roles.push_back(kMlpNorm);
  if (spec.residual == ResidualKind::kSandwich) roles.insert(roles.end(), {kAttentionPostNorm, kMlpPostNorm});
  if (spec.query_key_norm) roles.insert(roles.end(), {kQueryNorm, kKeyNorm});
  if (spec.gated_mlp) roles.push_back(kGate);
  return roles;
}

}  // namespace

std::string SlotName(const WeightSlot& slot) {
  const RoleInfo& info = InfoOf(slot.role);
  const std::string part = slot.part == WeightPart::kWeight ? " weight" : " bias";
  return info.per_layer ? absl::StrCat(info.name, part, " of layer ", slot.layer) : absl::StrCat(info.name, part);
}

std::vector<std::int64_t> SlotShape(const DecoderSpec& spec, const WeightSlot& slot) {
  std::vector<std::int64_t> shape = WeightShape(spec, slot.role);
  if (slot.part == WeightPart::kBias) shape.resize(1);
  return shape;
}

std::vector<std::int64_t> FileShape(const DecoderSpec& spec, const FileTensor& tensor) {
  std::vector<std::int64_t> shape = SlotShape(spec, tensor.placements.front().slot);
  shape[0] = 0;
  for (const Placement& placement : tensor.placements) shape[0] += placement.block * placement.count;
  if (tensor.transposed && shape.size() == 2) std::swap(shape[0], shape[1]);
  return shape;
}

std::vector<NameSpelling> SpellingsOf(const Architecture& architecture) {
  std::vector<NameSpelling> spellings = {{architecture.prefix, ""}, {"", ""}};
  spellings.insert(spellings.end(), architecture.spellings.begin(), architecture.spellings.end());
  return spellings;
}

std::vector<std::string> CanonicalNames(const Architecture& architecture, const NameSpelling& spelling,
                                        const std::string& name) {
  std::vector<std::string> names;
  if (name.starts_with(spelling.prefix)) names.push_back(architecture.prefix + name.substr(spelling.prefix.size()));
  if (!name.starts_with(spelling.outer)) return names;
  const std::string outer = name.substr(spelling.outer.size());
  if (!outer.starts_with(architecture.prefix)) names.push_back(outer);
  return names;
}

bool MatchesPattern(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  const bool any_rest = !pattern.empty() && pattern.back() == '*';
  if (any_rest) pattern.remove_suffix(1);
  for (const char expected : pattern) {
    if (expected != '#') {
      if (at >= name.size() || name[at] != expected) return false;
      ++at;
      continue;
    }
    const std::size_t first = at;
    while (at < name.size() && std::isdigit(static_cast<unsigned char>(name[at])) != 0) ++at;
    if (at == first) return false;
  }
  return any_rest || at == name.size();
}

absl::Status CheckArchitecture(const Architecture& architecture) {
  const DecoderSpec& spec = architecture.spec;
  // (role, part, layer) -> rows placed
  std::map<std::array<std::int64_t, 3>, std::int64_t> placed;
  const auto index = [](const WeightSlot& slot) {
    return std::array<std::int64_t, 3>{static_cast<std::int64_t>(slot.role), static_cast<std::int64_t>(slot.part),
                                       slot.layer};
  };
  for (const FileTensor& tensor : architecture.tensors) {
    if (tensor.presence == Presence::kUnread) continue;
    for (const Placement& placement : tensor.placements) {
      const WeightSlot& slot = placement.slot;
      const std::int64_t rows = placement.block * placement.count;
      if (placed.contains(index(slot)) || rows != SlotShape(spec, slot)[0]) {
        return absl::InternalError(absl::StrCat(spec.family, ": ", SlotName(slot), " is placed twice or has ", rows,
                                                " rows in ", tensor.name));
      }
      placed[index(slot)] = rows;
    }
  }
  for (const WeightRole role : NeededRoles(spec)) {
    for (std::int64_t layer = 0; layer < (InfoOf(role).per_layer ? spec.layers : 1); ++layer) {
      const WeightSlot slot = {role, WeightPart::kWeight, layer};
      if (!placed.contains(index(slot))) {
        return absl::InternalError(absl::StrCat(spec.family, ": no tensor is named for the ", SlotName(slot)));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace headscope::worker
