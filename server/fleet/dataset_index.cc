#include "server/fleet/dataset_index.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace headscope::server {
namespace {

constexpr std::uint64_t kWindowBytes = 256 << 10;
constexpr std::uint64_t kLengthBytes = 4;

std::uint32_t U32At(const std::string& bytes, std::uint64_t position) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[position + i])} << (8 * i);
  return value;
}

}  // namespace

absl::StatusOr<DatasetIndex> DatasetIndex::Build(BlobReader& blob) {
  const std::uint64_t size = blob.size();
  const absl::StatusOr<std::string> front = blob.Read(0, std::min<std::uint64_t>(kDatasetHeaderBytes, size));
  if (!front.ok()) return front.status();
  const absl::StatusOr<SampleEncoding> encoding = EncodingOf(*front);
  if (!encoding.ok()) return encoding.status();
  std::vector<std::uint64_t> offsets = {FirstRecord(*encoding)};
  std::string window;
  std::uint64_t window_begin = 0;
  while (offsets.back() < size) {
    const std::uint64_t at = offsets.back();
    if (size - at < kLengthBytes) return absl::DataLossError("dataset cut short inside a record's length");
    if (at < window_begin || at + kLengthBytes > window_begin + window.size()) {
      absl::StatusOr<std::string> read = blob.Read(at, std::min(kWindowBytes, size - at));
      if (!read.ok()) return read.status();
      window = *std::move(read);
      window_begin = at;
    }
    const std::uint64_t next = at + kLengthBytes + U32At(window, at - window_begin);
    if (next > size) return absl::DataLossError("dataset cut short inside a record");
    offsets.push_back(next);
  }
  return DatasetIndex(*encoding, std::move(offsets));
}

absl::StatusOr<std::shared_ptr<const DatasetIndex>> DatasetIndexes::Get(const std::string& digest) {
  const auto find = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.first == digest; });
  };
  {
    absl::MutexLock lock(&mutex_);
    if (const auto found = find(); found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
      return entries_.front().second;
    }
  }
  // Two threads may build the same one: the work is small beside the reads that follow.
  const absl::StatusOr<std::unique_ptr<BlobReader>> blob = blobs_.Open(digest);
  if (!blob.ok()) return blob.status();
  absl::StatusOr<DatasetIndex> built = DatasetIndex::Build(**blob);
  if (!built.ok()) return built.status();
  auto index = std::make_shared<const DatasetIndex>(*std::move(built));
  absl::MutexLock lock(&mutex_);
  if (find() != entries_.end()) return index;
  entries_.emplace_front(digest, index);
  bytes_ += index->size_bytes();
  while (bytes_ > max_bytes_ && entries_.size() > 1) {
    bytes_ -= entries_.back().second->size_bytes();
    entries_.pop_back();
  }
  return index;
}

absl::StatusOr<std::unique_ptr<SampleReader>> SampleReader::Open(BlobStore& blobs, DatasetIndexes& indexes,
                                                                 const std::string& digest,
                                                                 std::vector<std::uint32_t> samples) {
  absl::StatusOr<std::shared_ptr<const DatasetIndex>> index = indexes.Get(digest);
  if (!index.ok()) return index.status();
  for (const std::uint32_t sample : samples) {
    if (sample < (*index)->sample_count()) continue;
    return absl::DataLossError(
        absl::StrCat("sample ", sample, " asked for, the dataset has ", (*index)->sample_count()));
  }
  absl::StatusOr<std::unique_ptr<BlobReader>> blob = blobs.Open(digest);
  if (!blob.ok()) return blob.status();
  return std::unique_ptr<SampleReader>(new SampleReader(*std::move(blob), *std::move(index), std::move(samples)));
}

absl::StatusOr<std::vector<Sample>> SampleReader::Next(std::uint64_t max_bytes) {
  const std::uint64_t begin = index_->begin(samples_[next_]);
  // Neighbours are read in one go.
  std::size_t last = next_;
  while (last + 1 < samples_.size() && samples_[last + 1] == samples_[last] + 1 &&
         index_->end(samples_[last + 1]) - begin <= max_bytes) {
    ++last;
  }
  const absl::StatusOr<std::string> bytes = blob_->Read(begin, index_->end(samples_[last]) - begin);
  if (!bytes.ok()) return bytes.status();
  std::string_view rest = *bytes;
  std::vector<Sample> samples;
  for (; next_ <= last; ++next_) {
    absl::StatusOr<Sample> sample = TakeSampleRecord(index_->encoding(), rest);
    if (!sample.ok()) return sample.status();
    samples.push_back(*std::move(sample));
  }
  return samples;
}

}  // namespace headscope::server
