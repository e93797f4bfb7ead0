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

}  // namespace headscope::cli
