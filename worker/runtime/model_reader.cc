#include "worker/runtime/model_reader.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "worker/model/adapter/adapter_checkpoint.h"
#include "worker/model/batch_tokens.h"
#include "worker/model/fast/choose_operations.h"
#include "worker/model/fast/memory_estimate.h"
#include "worker/model/model.h"

namespace headscope::worker {
namespace {

constexpr char kAdapterTag[] = "headscope adapter 1";

std::string DirectoryOf(const std::string& root, const std::string& name) { return absl::StrCat(root, "/", name); }

absl::StatusOr<std::vector<FileStamp>> StampsOf(const std::string& root, const std::string& name) {
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(DirectoryOf(root, name), root);
  if (!directory.ok()) return directory.status();
  return StampModelFiles(*directory);
}

// Layers in order, put together where they attend alike.
std::vector<AttentionGroup> AttentionOf(const DecoderSpec& spec) {
  std::vector<AttentionGroup> groups;
  for (std::size_t layer = 0; layer < spec.attention.size(); ++layer) {
    const AttentionSpec& attention = spec.attention[layer];
    AttentionGroup group;
    if (attention.window.has_value()) group.window = static_cast<std::uint64_t>(*attention.window);
    group.score_soft_cap = attention.score_soft_cap;
    if (attention.rope.has_value()) {
      const RopeSpec& rope = spec.ropes[static_cast<std::size_t>(*attention.rope)];
      group.rope = rope.kind;
      group.rope_numbers = rope.numbers;
      group.rotary_dimensions = static_cast<std::uint32_t>(rope.dimensions);
    }
    const auto alike = std::find_if(groups.begin(), groups.end(), [&](AttentionGroup known) {
      known.layers.clear();
      return known == group;
    });
    (alike == groups.end() ? groups.emplace_back(std::move(group)) : *alike)
        .layers.push_back(static_cast<std::uint32_t>(layer));
  }
  return groups;
}

void FillShape(const ModelDescription& description, const std::string& device, ModelEntry& entry) {
  const DecoderSpec& spec = description.spec;
  entry.family = spec.family;
  entry.layers = static_cast<std::uint32_t>(spec.layers);
  entry.heads = static_cast<std::uint32_t>(spec.heads);
  entry.kv_heads = static_cast<std::uint32_t>(spec.kv_heads);
  entry.head_dim = static_cast<std::uint32_t>(spec.head_dim);
  entry.width = static_cast<std::uint32_t>(spec.width);
  entry.mlp_width = static_cast<std::uint32_t>(spec.mlp_width);
  entry.vocabulary = static_cast<std::uint32_t>(spec.vocabulary);
  entry.positions = static_cast<std::uint32_t>(spec.positions);
  entry.attention = AttentionOf(spec);
  entry.batch_tokens = RecommendBatchTokens(spec, device, LastLevelCacheBytes());
  entry.float64_arithmetic = ComputesInFloat64(description.parameters, DType::kFloat32);
  entry.bytes_per_token = static_cast<std::uint64_t>(FastBytesPerToken(spec, entry.float64_arithmetic));
}

void Fill(const ModelDescription& description, const std::string& device, ModelEntry& entry) {
  FillShape(description, device, entry);
  entry.parameters = static_cast<std::uint64_t>(description.parameters);
  entry.weight_bytes = static_cast<std::uint64_t>(description.weight_bytes);
  entry.stored_dtype = description.stored_dtype;
  for (const StoredPart& part : description.stored) {
    entry.stored_parameters.emplace_back(part.dtype, static_cast<std::uint64_t>(part.parameters));
  }
  entry.notes = description.notes;
}

AdapterEntry AdapterOf(const ModelDescription& description, const std::string& base, const std::string& root) {
  const AdapterDescription& adapter = *description.adapter;
  const std::int64_t own = adapter.parameters();
  return {.base = base,
          .base_directory = DirectoryOf(root, base),
          .base_digest = "",
          .base_parameters = static_cast<std::uint64_t>(description.parameters - own),
          .rank = static_cast<std::uint32_t>(adapter.rank),
          .alpha = adapter.alpha,
          .rank_stabilised = adapter.rank_stabilised,
          .targets = adapter.targets,
          .replaced = adapter.replaced,
          .parameters = static_cast<std::uint64_t>(own)};
}

std::string Together(const std::string& own, const std::string& base) {
  Sha256 hash;
  hash.UpdateString(kAdapterTag);
  hash.Update(own);
  hash.Update(base);
  return hash.Finish();
}

}  // namespace

const FileStamp* FindStamp(const std::vector<FileStamp>& stamps, const std::string& name) {
  const auto found =
      std::find_if(stamps.begin(), stamps.end(), [&](const FileStamp& stamp) { return stamp.name == name; });
  return found == stamps.end() ? nullptr : &*found;
}

bool HasTokenizer(const std::vector<FileStamp>& stamps) {
  const auto has = [&](const char* name) { return FindStamp(stamps, name) != nullptr; };
  return has("tokenizer.json") || (has("vocab.json") && has("merges.txt"));
}

absl::StatusOr<ModelStamps> StampModel(const std::string& name, const BaseCandidates& candidates) {
  const absl::StatusOr<ModelDirectory> directory =
      ModelDirectory::Open(DirectoryOf(candidates.root, name), candidates.root);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::vector<FileStamp>> own = StampModelFiles(*directory);
  if (!own.ok()) return own.status();
  ModelStamps stamps;
  stamps.own = *std::move(own);
  if (FindStamp(stamps.own, kAdapterConfigFile) == nullptr) return stamps;
  const absl::StatusOr<AdapterConfig> config = ReadAdapterConfig(*directory);
  if (!config.ok()) return config.status();
  absl::StatusOr<std::string> base = FindBase(name, config->base, candidates);
  if (!base.ok()) return base.status();
  stamps.base = *std::move(base);
  absl::StatusOr<std::vector<FileStamp>> of_base = StampsOf(candidates.root, stamps.base);
  if (!of_base.ok()) return of_base.status();
  stamps.of_base = *std::move(of_base);
  return stamps;
}

absl::StatusOr<ModelEntry> DescribeEntry(const std::string& name, const ModelStamps& stamps, const std::string& root,
                                         const std::string& device) {
  ModelEntry entry;
  entry.name = name;
  entry.directory = DirectoryOf(root, name);
  const bool own_tokenizer = stamps.base.empty() || HasTokenizer(stamps.own);
  entry.tokenizer_directory = own_tokenizer ? entry.directory : DirectoryOf(root, stamps.base);
  entry.has_tokenizer = HasTokenizer(own_tokenizer ? stamps.own : stamps.of_base);
  const absl::StatusOr<ModelDescription> description =
      stamps.base.empty() ? DescribeModel(entry.directory, root)
                          : DescribeAdapter(entry.directory, DirectoryOf(root, stamps.base), root);
  if (!description.ok()) return description.status();
  Fill(*description, device, entry);
  if (description->adapter.has_value()) entry.adapter = AdapterOf(*description, stamps.base, root);
  return entry;
}

absl::StatusOr<EntryDigests> HashEntry(const ModelEntry& entry, const ModelStamps& stamps, const std::string& root,
                                       ModelDigests& digests, const CancelCheck& cancelled) {
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(entry.directory, root);
  if (!directory.ok()) return directory.status();
  const absl::StatusOr<std::string> tokenizer = digests.OfTokenizer(*directory, stamps.own, cancelled);
  if (!tokenizer.ok()) return tokenizer.status();
  const absl::StatusOr<std::string> model = digests.Of(*directory, stamps.own, cancelled);
  if (!model.ok()) return model.status();
  if (stamps.base.empty()) return EntryDigests{*model, *tokenizer, ""};
  const absl::StatusOr<ModelDirectory> base = ModelDirectory::Open(DirectoryOf(root, stamps.base), root);
  if (!base.ok()) return base.status();
  const absl::StatusOr<std::string> base_tokenizer = digests.OfTokenizer(*base, stamps.of_base, cancelled);
  if (!base_tokenizer.ok()) return base_tokenizer.status();
  const absl::StatusOr<std::string> base_model = digests.Of(*base, stamps.of_base, cancelled);
  if (!base_model.ok()) return base_model.status();
  const bool own_tokenizer = entry.tokenizer_directory == entry.directory;
  return EntryDigests{Together(*model, *base_model),
                      own_tokenizer ? Together(*tokenizer, *base_tokenizer) : *base_tokenizer, *base_model};
}

}  // namespace headscope::worker
