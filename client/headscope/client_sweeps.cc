#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/headscope/client_impl.h"
#include "client/headscope/pages.h"
#include "client/headscope/patience.h"
#include "client/headscope/wire_sweep.h"
#include "proto/support/limits.h"

namespace headscope::client {
namespace {

using Stub = v1::AttributionService::Stub;

// Between questions after a sweep: often at first, since small ones end soon.
constexpr absl::Duration kFirstInterval = absl::Milliseconds(100);
constexpr absl::Duration kLongestInterval = absl::Seconds(1);
constexpr absl::Duration kTick = absl::Milliseconds(100);

// False when the caller stopped meanwhile.
bool Wait(absl::Duration duration, const LongCall& hooks) {
  const absl::Time end = absl::Now() + duration;
  for (absl::Time now = absl::Now(); now < end; now = absl::Now()) {
    if (!KeepGoing(hooks)) return false;
    absl::SleepFor(std::min(kTick, end - now));
  }
  return KeepGoing(hooks);
}

}  // namespace

absl::StatusOr<Sweep> Client::SubmitSweep(const SweepRequest& request) {
  if (request.spec.compute.method != "gradient") {
    return absl::InvalidArgumentError(
        absl::StrCat("method \"", request.spec.compute.method, "\" is unknown; known: gradient"));
  }
  v1::SubmitSweepRequest proto;
  *proto.mutable_spec() = ToProto(request.spec);
  proto.set_request_id(request.request_id.empty() ? MakeId("r-", *impl_->random) : request.request_id);
  proto.set_validate_only(request.validate_only);
  const auto response = impl_->Call(*impl_->jobs, &Stub::SubmitSweep, proto);
  if (!response.ok()) return response.status();
  return FromProto(response->sweep());
}

absl::StatusOr<Sweep> Client::GetSweep(const std::string& id) {
  v1::GetSweepRequest request;
  request.set_name(Named("sweeps/", id));
  const auto response = impl_->Call(*impl_->jobs, &Stub::GetSweep, request);
  if (!response.ok()) return response.status();
  return FromProto(response->sweep());
}

absl::StatusOr<std::vector<Sweep>> Client::ListSweeps(const std::map<std::string, std::string>& labels,
                                                      std::size_t limit) {
  v1::ListSweepsRequest request;
  request.set_page_size(limit == 0 || limit > kMaxPageSize ? kMaxPageSize : static_cast<std::uint32_t>(limit));
  request.mutable_labels()->insert(labels.begin(), labels.end());
  const auto next_page = [&](const std::string& token, std::vector<Sweep>& items) -> absl::StatusOr<std::string> {
    request.set_page_token(token);
    auto page = impl_->Call(*impl_->jobs, &Stub::ListSweeps, request);
    if (!page.ok()) return page.status();
    for (const v1::Sweep& sweep : page->sweeps()) items.push_back(FromProto(sweep));
    return page->next_page_token();
  };
  return AllPages<Sweep>(next_page, limit);
}

absl::StatusOr<Sweep> Client::CancelSweep(const std::string& id) {
  v1::CancelSweepRequest request;
  request.set_name(Named("sweeps/", id));
  const auto response = impl_->Call(*impl_->jobs, &Stub::CancelSweep, request);
  if (!response.ok()) return response.status();
  return FromProto(response->sweep());
}

absl::StatusOr<Sweep> Client::RetrySweep(const std::string& id) {
  v1::RetrySweepRequest request;
  request.set_name(Named("sweeps/", id));
  const auto response = impl_->Call(*impl_->jobs, &Stub::RetrySweep, request);
  if (!response.ok()) return response.status();
  return FromProto(response->sweep());
}

absl::Status Client::DeleteSweep(const std::string& id, bool keep_jobs) {
  v1::DeleteSweepRequest request;
  request.set_name(Named("sweeps/", id));
  request.set_keep_jobs(keep_jobs);
  return impl_->Call(*impl_->jobs, &Stub::DeleteSweep, request).status();
}

absl::StatusOr<Sweep> Client::FollowSweep(const std::string& id, const std::function<void(const Sweep&)>& on_update,
                                          const LongCall& hooks) {
  Patience patience(impl_->options, hooks);
  for (absl::Duration interval = kFirstInterval;; interval = std::min(2 * interval, kLongestInterval)) {
    auto sweep = GetSweep(id);
    if (sweep.ok()) {
      patience.Heard();
      if (on_update) on_update(*sweep);
      if (HasEnded(sweep->state)) return sweep;
      if (!Wait(interval, hooks)) return Stopped();
    } else {
      if (!IsBroken(sweep.status())) return sweep;
      if (absl::Status status = patience.WaitAfter(sweep.status()); !status.ok()) return status;
    }
  }
}

}  // namespace headscope::client
