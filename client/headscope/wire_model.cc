// Models from the wire.
#include "client/headscope/wire.h"
#include "client/headscope/wire_time.h"

namespace headscope::client {
namespace {

Rope FromProto(const v1::Rope& proto) {
  Rope rope;
  rope.kind = proto.kind();
  rope.dimensions = proto.dimensions();
  for (const v1::NamedNumber& number : proto.numbers()) rope.numbers.emplace_back(number.name(), number.value());
  return rope;
}

AttentionGroup FromProto(const v1::AttentionGroup& proto) {
  AttentionGroup group;
  group.layers = {proto.layers().begin(), proto.layers().end()};
  if (proto.has_window()) group.window = proto.window();
  if (proto.has_score_soft_cap()) group.score_soft_cap = proto.score_soft_cap();
  if (proto.has_rope()) group.rope = FromProto(proto.rope());
  return group;
}

Adapter FromProto(const v1::Adapter& proto) {
  Adapter adapter;
  adapter.base = Bare(proto.base(), "models/");
  adapter.rank = proto.rank();
  adapter.alpha = proto.alpha();
  adapter.rank_stabilised = proto.rank_stabilised();
  adapter.targets = Strings(proto.targets());
  adapter.replaced = Strings(proto.replaced());
  adapter.parameters = proto.parameters();
  return adapter;
}

ModelDetails FromProto(const v1::ModelDetails& proto) {
  ModelDetails details;
  details.width = proto.width();
  details.mlp_width = proto.mlp_width();
  for (const v1::StoredParameters& part : proto.stored()) details.stored.emplace_back(part.dtype(), part.parameters());
  for (const v1::AttentionGroup& group : proto.attention()) details.attention.push_back(FromProto(group));
  details.bytes_per_token = proto.bytes_per_token();
  details.float32_arithmetic = client::FromProto(proto.float32_arithmetic());
  if (proto.has_tokenizer()) {
    const v1::TokenizerComponents& of = proto.tokenizer();
    details.tokenizer =
        TokenizerComponents{of.normalizer(), of.pre_tokenizer(), of.model(), of.post_processor(), of.decoder()};
  }
  if (proto.has_adapter()) details.adapter = FromProto(proto.adapter());
  details.notes = Strings(proto.notes());
  return details;
}

}  // namespace

Model FromProto(const v1::Model& proto) {
  Model model;
  model.name = Bare(proto.name(), "models/");
  model.digest = proto.digest();
  model.family = proto.family();
  model.layers = proto.layers();
  model.heads = proto.heads();
  model.kv_heads = proto.kv_heads();
  model.head_dim = proto.head_dim();
  model.vocabulary = proto.vocabulary();
  model.positions = proto.positions();
  model.parameters = proto.parameters();
  model.weight_bytes = proto.weight_bytes();
  model.stored_dtype = proto.stored_dtype();
  model.has_tokenizer = proto.has_tokenizer();
  model.unsupported = proto.unsupported();
  model.tokenizer_unsupported = proto.tokenizer_unsupported();
  model.workers = Strings(proto.workers());
  model.resident_workers = Strings(proto.resident_workers());
  if (proto.has_details()) model.details = FromProto(proto.details());
  return model;
}

}  // namespace headscope::client
