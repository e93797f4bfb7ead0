// Models, also of a server that has only just started.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/headscope/client.h"

namespace headscope::cli {

// Waits while no worker has connected to the server yet (NO_WORKER), saying so once, for as long as the client's
// options give a broken stream; CANCELLED on Ctrl-C. Errors are those of Client::GetModel.
absl::StatusOr<client::Model> AwaitModel(Session& session, client::Client& client, const std::string& name);

// All models, in the order in which they are listed; waits in the same way.
absl::StatusOr<std::vector<client::Model>> AwaitModels(Session& session, client::Client& client);

}  // namespace headscope::cli
