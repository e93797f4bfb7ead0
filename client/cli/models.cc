// headscope models: the models that workers hold.
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

void Print(Session& session, const std::vector<client::Model>& models) {
  Json list = Json::array();
  TextTable table({"model", "family", "layers", "heads", "kv heads", "positions", "parameters", "text", "state"});
  for (const client::Model& model : models) {
    list.push_back(ModelJson(model));
    const std::string state = !model.unsupported.empty()        ? absl::StrCat("unsupported: ", model.unsupported)
                              : !model.resident_workers.empty() ? "in memory"
                              : !model.workers.empty()          ? "on disk"
                                                                : "no worker";
    table.AddRow({model.name, model.family, absl::StrCat(model.layers), absl::StrCat(model.heads),
                  absl::StrCat(model.kv_heads), absl::StrCat(model.positions), absl::StrCat(model.parameters),
                  model.has_tokenizer ? "yes" : "no", state});
  }
  if (session.format == Format::kJson) {
    session.out() << Text({{"models", std::move(list)}});
  } else if (session.format == Format::kCsv) {
    table.PrintCsv(session.out());
  } else {
    table.PrintAligned(session.out());
  }
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto models = (*client)->ListModels();
  if (!models.ok()) return models.status();
  Print(session, *models);
  return kDone;
}

}  // namespace

const Command& ModelsCommand() {
  static const Command command = {"models",
                                  "",
                                  0,
                                  0,
                                  "list the models that workers hold",
                                  "Lists every model under the roots of the server's workers.",
                                  {},
                                  {"models", "models --format json"},
                                  Run};
  return command;
}

}  // namespace headscope::cli
