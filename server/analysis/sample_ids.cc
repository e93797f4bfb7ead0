#include "server/analysis/sample_ids.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"

namespace headscope::server {
namespace {

constexpr std::uint64_t kWindowBytes = 64 << 10;
constexpr std::uint64_t kLengthBytes = sizeof(std::uint32_t);

std::uint32_t U32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return value;
}

}  // namespace

absl::StatusOr<std::string_view> SampleIds::View(std::uint64_t offset, std::uint64_t length) {
  if (length > dataset_.size() || offset > dataset_.size() - length) {
    return absl::DataLossError(absl::StrCat("the stored dataset ends at sample ", next_index_));
  }
  if (offset < window_offset_ || offset + length > window_offset_ + window_.size()) {
    const std::uint64_t size = std::min(std::max(length, kWindowBytes), dataset_.size() - offset);
    absl::StatusOr<std::string> window = dataset_.Read(offset, size);
    if (!window.ok()) return window.status();
    window_ = *std::move(window);
    window_offset_ = offset;
  }
  return std::string_view(window_).substr(offset - window_offset_, length);
}

absl::Status SampleIds::SkipHeader() {
  const absl::StatusOr<std::string_view> front = View(0, std::min<std::uint64_t>(kDatasetHeaderBytes, dataset_.size()));
  if (!front.ok()) return front.status();
  const absl::StatusOr<SampleEncoding> encoding = EncodingOf(*front);
  if (!encoding.ok()) return encoding.status();
  offset_ = FirstRecord(*encoding);
  return absl::OkStatus();
}

absl::StatusOr<std::string> SampleIds::Next() {
  if (next_index_ == 0) {
    if (absl::Status status = SkipHeader(); !status.ok()) return status;
  }
  const absl::StatusOr<std::string_view> lengths = View(offset_, 2 * kLengthBytes);
  if (!lengths.ok()) return lengths.status();
  const std::uint32_t record_bytes = U32(*lengths);
  const std::uint32_t id_bytes = U32(lengths->substr(kLengthBytes));
  if (id_bytes > kMaxSampleIdBytes || id_bytes + kLengthBytes > record_bytes) {
    return absl::DataLossError(absl::StrCat("the stored dataset is damaged at sample ", next_index_));
  }
  const absl::StatusOr<std::string_view> id = View(offset_ + 2 * kLengthBytes, id_bytes);
  if (!id.ok()) return id.status();
  offset_ += kLengthBytes + record_bytes;
  ++next_index_;
  return std::string(*id);
}

absl::StatusOr<std::string> SampleIds::At(std::uint32_t index) {
  if (index < next_index_) return absl::InternalError("sample ids are read in ascending order");
  for (;;) {
    const bool wanted = next_index_ == index;
    absl::StatusOr<std::string> id = Next();
    if (wanted || !id.ok()) return id;
  }
}

}  // namespace headscope::server
