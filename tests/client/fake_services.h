// The services of the fake server: each answers what its state says.
#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/wire/status_codec.h"
#include "tests/client/fake_server.h"

namespace headscope::tests {

// `state` outlives them.
std::unique_ptr<grpc::Service> MakeFakeModelService(FakeState& state);
std::unique_ptr<grpc::Service> MakeFakeDatasetService(FakeState& state);
std::unique_ptr<grpc::Service> MakeFakeAttributionService(FakeState& state);
std::unique_ptr<grpc::Service> MakeFakePatternService(FakeState& state);

inline grpc::Status Broken() { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "broken on purpose"); }

inline grpc::Status NotFound(const std::string& what, const std::string& reason) {
  return ToGrpc(MakeError(absl::StatusCode::kNotFound, absl::StrCat(what, " is unknown"), reason));
}

// Items two at a time, so that clients have to turn pages. The token is the next item's number.
template <typename Items, typename Add>
std::string Page(const Items& items, const std::string& token, const Add& add) {
  const std::size_t first = token.empty() ? 0 : std::stoul(token);
  const std::size_t last = std::min<std::size_t>(first + 2, items.size());
  for (std::size_t i = first; i < last; ++i) add(items[i]);
  return last < items.size() ? std::to_string(last) : "";
}

}  // namespace headscope::tests
