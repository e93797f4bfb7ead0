#include "client/cli/await_model.h"

#include <ostream>

#include "client/headscope/patience.h"
#include "proto/support/error.h"

namespace headscope::cli {

absl::StatusOr<client::Model> AwaitModel(Session& session, client::Client& client, const std::string& name) {
  const client::LongCall hooks = session.Hooks();
  client::Patience patience(session.environment().client_options, hooks);
  for (bool said = false;; said = true) {
    auto model = client.GetModel(name);
    if (model.ok() || ReasonOf(model.status()) != "NO_WORKER") return model;
    if (!said) session.err() << "headscope: waiting for the server's first worker\n";
    if (absl::Status status = patience.WaitAfter(model.status()); !status.ok()) return status;
  }
}

absl::StatusOr<std::vector<client::Model>> AwaitModels(Session& session, client::Client& client) {
  auto models = client.ListModels();
  if (!models.ok() || !models->empty()) return models;
  // An empty list may be one of a server without models, or one of a server that knows no worker yet: asked after one
  // of them, it says which.
  const auto none = AwaitModel(session, client, "any");
  if (!none.ok() && !absl::IsNotFound(none.status())) return none.status();
  return client.ListModels();
}

}  // namespace headscope::cli
