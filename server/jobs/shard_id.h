// Names of shards: "<job id>.p0" prepares, "<job id>.s17" scores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/jobs/job.h"

namespace headscope::server {

struct ShardId {
  std::string job;
  Phase phase = Phase::kPrepare;
  std::uint32_t ordinal = 0;
};

std::string FormatShardId(const ShardId& id);
// Nullopt for any other text than FormatShardId writes.
std::optional<ShardId> ParseShardId(std::string_view text);

}  // namespace headscope::server
