#include "worker/link/catalogue_codec.h"

#include "worker/link/wire_text.h"

namespace headscope::worker {

v1::Catalogue ToProto(const std::vector<ModelEntry>& entries) {
  // Thousands of models fit into one message.
  constexpr std::size_t kMaxReason = 512;
  v1::Catalogue catalogue;
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
