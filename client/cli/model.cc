// headscope model: one model in full.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/model_details.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

TextTable Fields(const client::Model& model) {
  TextTable table({"field", "value"});
  const auto add = [&table](const std::string& name, const std::string& value) {
    if (!value.empty()) table.AddRow({name, value});
  };
  // Nothing was read of a model that is not supported.
  const auto add_number = [&add](const std::string& name, std::uint64_t value) {
    add(name, value == 0 ? "" : absl::StrCat(value));
  };
  const Json digest = DigestJson(model.digest);
  add("model", model.name);
  add("digest", digest.is_null() ? "" : digest.get<std::string>());
  add("family", model.family);
  add_number("layers", model.layers);
  add_number("heads", model.heads);
  add_number("kv heads", model.kv_heads);
  add_number("head dim", model.head_dim);
  add_number("vocabulary", model.vocabulary);
  add_number("positions", model.positions);
  add_number("parameters", model.parameters);
  if (model.weight_bytes > 0) add("weights", absl::StrCat(ShortBytes(model.weight_bytes), " ", model.stored_dtype));
  if (model.details.has_value()) {
    for (const auto& [name, value] : DetailFields(*model.details)) add(name, value);
  }
  add("tokenizer", model.has_tokenizer ? "yes" : "no");
  add("unsupported", model.unsupported);
  add("text unsupported", model.tokenizer_unsupported);
  add("workers", absl::StrJoin(model.workers, " "));
  add("in memory of", absl::StrJoin(model.resident_workers, " "));
  return table;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto model = (*client)->GetModel(arguments.positionals()[0]);
  if (!model.ok()) return model.status();
  if (session.format == Format::kJson) {
    session.out() << Text(ModelJson(*model));
  } else if (session.format == Format::kCsv) {
    Fields(*model).PrintCsv(session.out());
  } else {
    Fields(*model).PrintAligned(session.out());
  }
  return kDone;
}

}  // namespace

const Command& ModelCommand() {
  static const Command command = {
      "model",
      "NAME",
      1,
      1,
      "show one model",
      "Shows a model: shape, ropes and windows, dtypes, memory per token, tokenizer, adapter, digest,\n"
      "workers that hold it, and what is unsupported.",
      {},
      {"model demo", "model demo --format json"},
      Run};
  return command;
}

}  // namespace headscope::cli
