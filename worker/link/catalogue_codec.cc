#include "worker/link/catalogue_codec.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/log.h"
#include "worker/link/wire_text.h"

namespace headscope::worker {
namespace {

// Beside the reasons; whole entries of thousands of models fit into one message.
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxNote = 256;
constexpr std::size_t kMaxNotes = 4;
constexpr std::size_t kMaxListed = 16;
// Details of further models are left out: the catalogue is one message.
constexpr std::size_t kMaxDetailsBytes = 1 << 20;

// Some of `texts`, and how many more there are.
void SetListed(const std::vector<std::string>& texts, std::size_t most, std::size_t bytes,
               google::protobuf::RepeatedPtrField<std::string>& out) {
  const std::size_t listed = texts.size() <= most ? texts.size() : most - 1;
  for (std::size_t i = 0; i < listed; ++i) *out.Add() = WireText(texts[i], bytes);
  if (listed < texts.size()) *out.Add() = absl::StrCat("and ", texts.size() - listed, " more");
}

void SetAttention(const ModelEntry& entry, headscope::v1::ModelDetails& details) {
  for (const AttentionGroup& group : entry.attention) {
    headscope::v1::AttentionGroup& out = *details.add_attention();
    out.mutable_layers()->Assign(group.layers.begin(), group.layers.end());
    if (group.window.has_value()) out.set_window(*group.window);
    if (group.score_soft_cap.has_value()) out.set_score_soft_cap(*group.score_soft_cap);
    if (group.rope.empty()) continue;
    out.mutable_rope()->set_kind(group.rope);
    out.mutable_rope()->set_dimensions(group.rotary_dimensions);
    for (const auto& [name, value] : group.rope_numbers) {
      headscope::v1::NamedNumber& number = *out.mutable_rope()->add_numbers();
      number.set_name(WireText(name, kMaxName));
      number.set_value(value);
    }
  }
}

void SetAdapter(const AdapterEntry& adapter, headscope::v1::Adapter& out) {
  out.set_base("models/" + adapter.base);
  out.set_rank(adapter.rank);
  out.set_alpha(adapter.alpha);
  out.set_rank_stabilised(adapter.rank_stabilised);
  SetListed(adapter.targets, kMaxListed, kMaxName, *out.mutable_targets());
  SetListed(adapter.replaced, kMaxListed, kMaxName, *out.mutable_replaced());
  out.set_parameters(adapter.parameters);
}

void SetTokenizer(const TokenizerComponents& components, headscope::v1::TokenizerComponents& out) {
  out.set_normalizer(WireText(components.normalizer, kMaxNote));
  out.set_pre_tokenizer(WireText(components.pre_tokenizer, kMaxNote));
  out.set_model(WireText(components.model, kMaxNote));
  out.set_post_processor(WireText(components.post_processor, kMaxNote));
  out.set_decoder(WireText(components.decoder, kMaxNote));
}

headscope::v1::ModelDetails DetailsOf(const ModelEntry& entry) {
  headscope::v1::ModelDetails details;
  details.set_width(entry.width);
  details.set_mlp_width(entry.mlp_width);
  for (const auto& [dtype, parameters] : entry.stored_parameters) {
    headscope::v1::StoredParameters& stored = *details.add_stored();
    stored.set_dtype(dtype);
    stored.set_parameters(parameters);
  }
  SetAttention(entry, details);
  details.set_bytes_per_token(entry.bytes_per_token);
  details.set_float32_arithmetic(entry.float64_arithmetic ? headscope::v1::DTYPE_FLOAT64
                                                          : headscope::v1::DTYPE_FLOAT32);
  if (!(entry.tokenizer == TokenizerComponents())) SetTokenizer(entry.tokenizer, *details.mutable_tokenizer());
  if (entry.adapter.has_value()) SetAdapter(*entry.adapter, *details.mutable_adapter());
  SetListed(entry.notes, kMaxNotes, kMaxNote, *details.mutable_notes());
  return details;
}

}  // namespace

v1::Catalogue ToProto(const std::vector<ModelEntry>& entries) {
  // Thousands of models fit into one message.
  constexpr std::size_t kMaxReason = 512;
  v1::Catalogue catalogue;
  std::size_t details_bytes = 0;
  std::size_t without_details = 0;
  for (const ModelEntry& entry : entries) {
    v1::CatalogueEntry& out = *catalogue.add_entries();
    out.set_model(entry.name);
    out.set_digest(entry.digest);
    out.set_family(WireText(entry.family, kMaxReason));
    out.set_layers(entry.layers);
    out.set_heads(entry.heads);
    out.set_kv_heads(entry.kv_heads);
    out.set_head_dim(entry.head_dim);
    out.set_vocabulary(entry.vocabulary);
    out.set_positions(entry.positions);
    out.set_parameters(entry.parameters);
    out.set_weight_bytes(entry.weight_bytes);
    out.set_stored_dtype(entry.stored_dtype);
    out.set_has_tokenizer(entry.has_tokenizer);
    out.set_unsupported(WireText(entry.unsupported, kMaxReason));
    out.set_tokenizer_unsupported(WireText(entry.tokenizer_unsupported, kMaxReason));
    out.set_tokenizer_digest(entry.tokenizer_digest);
    out.set_batch_tokens(entry.batch_tokens);
    // Nothing was read of a model that cannot be used.
    if (entry.layers == 0) continue;
    headscope::v1::ModelDetails details = DetailsOf(entry);
    details_bytes += details.ByteSizeLong();
    if (details_bytes > kMaxDetailsBytes) {
      ++without_details;
    } else {
      *out.mutable_details() = std::move(details);
    }
  }
  if (without_details > 0) {
    Log(LogLevel::kWarning, "too many models beneath the model root: some are listed without their details",
        {{"models", entries.size()}, {"without_details", without_details}});
  }
  return catalogue;
}

v1::Resident ToProto(const ResidentModel& resident) {
  v1::Resident out;
  out.set_model(resident.name);
  out.set_digest(resident.digest);
  out.set_bytes(static_cast<std::uint64_t>(resident.bytes));
  return out;
}

}  // namespace headscope::worker
