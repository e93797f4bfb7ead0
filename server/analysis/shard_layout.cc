#include "server/analysis/shard_layout.h"

#include <string_view>

#include "absl/strings/str_cat.h"

namespace headscope::server {
namespace {

constexpr std::string_view kMagic = "HSS1";
constexpr std::string_view kMagicWithTokens = "HSS2";
constexpr std::uint64_t kCountsBytes = 4 * sizeof(std::uint32_t);
constexpr std::uint32_t kMaxPlanes = 64;
constexpr std::uint32_t kMaxPlaneName = 256;

std::uint32_t U32At(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  return value;
}

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("a stored shard is damaged: ", std::string(what)));
}

// Hands out ranges from the front to the back of the bytes.
class Cursor {
 public:
  explicit Cursor(BlobReader& bytes) : bytes_(bytes) {}

  ByteRange Skip(std::uint64_t length) {
    const ByteRange range{offset_, length};
    offset_ += length;
    return range;
  }
  absl::StatusOr<std::string> Take(std::uint64_t length) {
    if (length > bytes_.size() || offset_ > bytes_.size() - length) return Damaged("it ends early");
    return bytes_.Read(Skip(length).offset, length);
  }
  absl::StatusOr<std::uint32_t> TakeU32() {
    absl::StatusOr<std::string> bytes = Take(sizeof(std::uint32_t));
    if (!bytes.ok()) return bytes.status();
    return U32At(*bytes, 0);
  }
  std::uint64_t offset() const { return offset_; }

 private:
  BlobReader& bytes_;
  std::uint64_t offset_ = 0;
};

absl::Status TakePlane(Cursor& cursor, ShardLayout& layout) {
  const absl::StatusOr<std::uint32_t> name_bytes = cursor.TakeU32();
  if (!name_bytes.ok()) return name_bytes.status();
  if (*name_bytes > kMaxPlaneName) return Damaged("a plane's name is too long");
  const absl::StatusOr<std::string> name = cursor.Take(*name_bytes);
  if (!name.ok()) return name.status();
  const std::uint64_t values = std::uint64_t{layout.samples} * layout.layers * layout.heads;
  layout.planes[*name] = cursor.Skip(values * sizeof(float));
  return absl::OkStatus();
}

absl::Status TakeTokens(Cursor& cursor, ShardLayout& layout) {
  const absl::StatusOr<std::string> counts = cursor.Take(3 * sizeof(std::uint32_t));
  if (!counts.ok()) return counts.status();
  const std::uint64_t tokens = U32At(*counts, 0);
  const std::uint64_t strings = U32At(*counts, 4);
  if (strings != 0 && strings != tokens) return Damaged("it has strings for some of its tokens");
  TokenLayout& recorded = layout.recorded.emplace();
  recorded.ids = cursor.Skip(tokens * sizeof(std::uint32_t));
  recorded.response_mask = cursor.Skip(tokens);
  recorded.string_lengths = cursor.Skip(strings * sizeof(std::uint32_t));
  recorded.strings = cursor.Skip(U32At(*counts, 8));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ShardLayout> ReadShardLayout(BlobReader& bytes) {
  Cursor cursor(bytes);
  const absl::StatusOr<std::string> head = cursor.Take(kMagic.size() + kCountsBytes);
  if (!head.ok()) return head.status();
  const bool with_tokens = head->starts_with(kMagicWithTokens);
  if (!with_tokens && !head->starts_with(kMagic)) return Damaged("it does not start as one");
  ShardLayout layout;
  layout.samples = U32At(*head, 4);
  layout.layers = U32At(*head, 8);
  layout.heads = U32At(*head, 12);
  const std::uint32_t planes = U32At(*head, 16);
  // Products of the counts stay far from overflow below this.
  if (std::uint64_t{layout.layers} * layout.heads > (1u << 24) || planes > kMaxPlanes) return Damaged("its counts");
  const std::uint64_t array = std::uint64_t{layout.samples} * sizeof(std::uint32_t);
  layout.index = cursor.Skip(array);
  layout.tokens = cursor.Skip(array);
  layout.response_tokens = cursor.Skip(array);
  layout.objective = cursor.Skip(2 * array);
  for (std::uint32_t plane = 0; plane < planes; ++plane) {
    if (absl::Status status = TakePlane(cursor, layout); !status.ok()) return status;
  }
  if (with_tokens) {
    if (absl::Status status = TakeTokens(cursor, layout); !status.ok()) return status;
  }
  if (cursor.offset() != bytes.size() || layout.planes.size() != planes) {
    return Damaged(absl::StrCat("it has ", bytes.size(), " bytes where its counts ask for ", cursor.offset()));
  }
  return layout;
}

}  // namespace headscope::server
