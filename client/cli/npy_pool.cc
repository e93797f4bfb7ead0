#include "client/cli/npy_pool.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/limits.h"

namespace headscope::cli {

absl::StatusOr<NpyPool> NpyPool::Open(const std::string& path, const std::optional<std::string>& ids) {
  absl::StatusOr<NpyReader> reader = NpyReader::Open(path);
  if (!reader.ok()) return reader.status();
  const std::vector<std::size_t>& shape = reader->shape();
  if (shape.size() != 3 || shape[1] == 0 || shape[2] == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": has the shape (", absl::StrJoin(shape, ", "),
                                                   "), a pool has three axes [samples, layers, heads]"));
  }
  if (shape[1] > kMaxPatternValues || shape[2] > kMaxPatternValues || shape[1] * shape[2] > kMaxPatternValues) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", shape[1], " x ", shape[2], " heads, at most ", kMaxPatternValues, " are taken"));
  }
  NpyPool pool(*std::move(reader));
  if (!ids) return pool;
  if (absl::Status status = pool.OpenIds(*ids); !status.ok()) return status;
  return pool;
}

absl::Status NpyPool::OpenIds(const std::string& path) {
  ids_path_ = path;
  errno = 0;
  ids_.open(path);
  if (ids_) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
}

absl::StatusOr<std::string> NpyPool::NextId() {
  std::string id;
  if (!std::getline(ids_, id)) {
    return absl::InvalidArgumentError(
        absl::StrCat(ids_path_, ": has ", next_, " lines, the pool has ", samples(), " samples"));
  }
  return id;
}

absl::StatusOr<std::optional<client::PoolRows>> NpyPool::Next(std::size_t samples) {
  const std::uint64_t count = std::min<std::uint64_t>(samples, this->samples() - next_);
  if (count == 0) {
    std::string more;
    if (ids_.is_open() && std::getline(ids_, more)) {
      return absl::InvalidArgumentError(absl::StrCat(ids_path_, ": has more lines than the pool has samples"));
    }
    return std::optional<client::PoolRows>();
  }
  client::PoolRows rows;
  rows.scores.resize(count * layers() * heads());
  if (absl::Status status = reader_.Read(rows.scores); !status.ok()) return status;
  if (magnitudes_) {
    for (float& score : rows.scores) score = std::fabs(score);
  }
  for (std::uint64_t i = 0; i < count; ++i, ++next_) {
    if (!ids_.is_open()) continue;
    absl::StatusOr<std::string> id = NextId();
    if (!id.ok()) return id.status();
    rows.ids.push_back(*std::move(id));
  }
  return std::optional<client::PoolRows>(std::move(rows));
}

}  // namespace headscope::cli
