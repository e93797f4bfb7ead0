#include "client/cli/session.h"

#include <utility>

namespace headscope::cli {

absl::StatusOr<client::Client*> Session::Connect() {
  if (client_ == nullptr) {
    auto client = client::Client::Connect(server_, environment_.client_options);
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
  }
  return client_.get();
}

client::LongCall Session::Hooks() const {
  client::LongCall hooks;
  hooks.keep_going = [this] { return !interrupted(); };
  return hooks;
}

}  // namespace headscope::cli
