#include "server/jobs/shard_id.h"

#include <charconv>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace headscope::server {

std::string FormatShardId(const ShardId& id) {
  return absl::StrCat(id.job, id.phase == Phase::kPrepare ? ".p" : ".s", id.ordinal);
}

std::optional<ShardId> ParseShardId(std::string_view text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 2 >= text.size()) return std::nullopt;
  const char phase = text[dot + 1];
  if (phase != 'p' && phase != 's') return std::nullopt;
  ShardId id;
  id.job = std::string(text.substr(0, dot));
  id.phase = phase == 'p' ? Phase::kPrepare : Phase::kScore;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + dot + 2, end, id.ordinal);
  if (error != std::errc() || stop != end || FormatShardId(id) != text) return std::nullopt;
  return id;
}

}  // namespace headscope::server
