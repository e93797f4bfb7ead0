#include "client/cli/model_details.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/numbers.h"

namespace headscope::cli {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json RopeJson(const std::optional<client::Rope>& rope) {
  if (!rope.has_value()) return nullptr;
  Json json = {{"kind", rope->kind}, {"dimensions", rope->dimensions}};
  for (const auto& [name, value] : rope->numbers) json[name] = value;
  return json;
}

Json AttentionJson(const std::vector<client::AttentionGroup>& groups) {
  Json json = Json::array();
  for (const client::AttentionGroup& group : groups) {
    json.push_back({{"layers", group.layers},
                    {"window", group.window.has_value() ? Json(*group.window) : Json(nullptr)},
                    {"score_soft_cap", group.score_soft_cap.has_value() ? Json(*group.score_soft_cap) : Json(nullptr)},
                    {"rope", RopeJson(group.rope)}});
  }
  return json;
}

Json TokenizerJson(const std::optional<client::TokenizerComponents>& tokenizer) {
  if (!tokenizer.has_value()) return nullptr;
  return {{"normalizer", TextOrNull(tokenizer->normalizer)},
          {"pre_tokenizer", TextOrNull(tokenizer->pre_tokenizer)},
          {"model", TextOrNull(tokenizer->model)},
          {"post_processor", TextOrNull(tokenizer->post_processor)},
          {"decoder", TextOrNull(tokenizer->decoder)}};
}

Json AdapterJson(const std::optional<client::Adapter>& adapter) {
  if (!adapter.has_value()) return nullptr;
  return {{"base", adapter->base},
          {"rank", adapter->rank},
          {"alpha", adapter->alpha},
          {"rank_stabilised", adapter->rank_stabilised},
          {"targets", adapter->targets},
          {"replaced", adapter->replaced},
          {"parameters", adapter->parameters}};
}

std::string RopeText(const client::Rope& rope) {
  std::string text = absl::StrCat("rope ", rope.kind, " (", rope.dimensions, " columns");
  for (const auto& [name, value] : rope.numbers) absl::StrAppend(&text, ", ", name, " ", ExactNumber(value));
  return text + ")";
}

std::string AttentionText(const client::AttentionGroup& group) {
  std::string text =
      group.window.has_value() ? absl::StrCat("window ", *group.window) : std::string("all earlier keys");
  if (group.score_soft_cap.has_value()) absl::StrAppend(&text, ", soft cap ", ExactNumber(*group.score_soft_cap));
  return absl::StrCat(text, ", ", group.rope.has_value() ? RopeText(*group.rope) : "learned positions");
}

void AddAdapter(const client::Adapter& adapter, Fields& fields) {
  fields.emplace_back("adapter of", adapter.base);
  fields.emplace_back("adapter rank", absl::StrCat(adapter.rank));
  fields.emplace_back("adapter alpha",
                      absl::StrCat(ExactNumber(adapter.alpha), adapter.rank_stabilised ? " (rank-stabilised)" : ""));
  fields.emplace_back("adapter targets", absl::StrJoin(adapter.targets, " "));
  fields.emplace_back("adapter replaces", absl::StrJoin(adapter.replaced, " "));
  fields.emplace_back("adapter parameters", absl::StrCat(adapter.parameters));
}

void AddTokenizer(const client::TokenizerComponents& tokenizer, Fields& fields) {
  const auto or_none = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
  fields.emplace_back("normalizer", or_none(tokenizer.normalizer));
  fields.emplace_back("pre-tokenizer", or_none(tokenizer.pre_tokenizer));
  fields.emplace_back("tokenizer model", or_none(tokenizer.model));
  fields.emplace_back("post-processor", or_none(tokenizer.post_processor));
  fields.emplace_back("decoder", or_none(tokenizer.decoder));
}

}  // namespace

void AddDetails(const client::ModelDetails& details, Json& model) {
  model["width"] = details.width;
  model["mlp_width"] = details.mlp_width;
  Json stored = Json::object();
  for (const auto& [dtype, parameters] : details.stored) stored[dtype] = parameters;
  model["stored_parameters"] = stored;
  model["attention"] = AttentionJson(details.attention);
  model["bytes_per_token"] = details.bytes_per_token;
  model["float32_arithmetic"] = client::NameOf(details.float32_arithmetic);
  model["tokenizer"] = TokenizerJson(details.tokenizer);
  model["adapter"] = AdapterJson(details.adapter);
  model["notes"] = details.notes;
}

Fields DetailFields(const client::ModelDetails& details) {
  Fields fields = {{"width", absl::StrCat(details.width)}, {"mlp width", absl::StrCat(details.mlp_width)}};
  for (const auto& [dtype, parameters] : details.stored) {
    fields.emplace_back(absl::StrCat("parameters in ", dtype), absl::StrCat(parameters));
  }
  fields.emplace_back("memory per token",
                      absl::StrCat(ShortBytes(details.bytes_per_token), " (", details.bytes_per_token, " bytes)"));
  fields.emplace_back("float32 computed in", client::NameOf(details.float32_arithmetic));
  for (const client::AttentionGroup& group : details.attention) {
    fields.emplace_back(absl::StrCat("layers ", LayerRanges(group.layers)), AttentionText(group));
  }
  if (details.adapter.has_value()) AddAdapter(*details.adapter, fields);
  if (details.tokenizer.has_value()) AddTokenizer(*details.tokenizer, fields);
  for (const std::string& note : details.notes) fields.emplace_back("note", note);
  return fields;
}

std::string LayerRanges(const std::vector<std::uint32_t>& layers) {
  std::string text;
  for (std::size_t first = 0, next = 0; first < layers.size(); first = next) {
    for (next = first + 1; next < layers.size() && layers[next] == layers[next - 1] + 1;) ++next;
    absl::StrAppend(&text, text.empty() ? "" : ", ", layers[first]);
    if (next - first > 1) absl::StrAppend(&text, "-", layers[next - 1]);
  }
  return text;
}

}  // namespace headscope::cli
