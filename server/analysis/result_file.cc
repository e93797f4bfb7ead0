#include "server/analysis/result_file.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace headscope::server {
namespace {

constexpr std::size_t kAlignment = 8;

// One entry of the file's header, and where its bytes stand in each shard (absent for the ids).
struct Tensor {
  std::string name;
  const char* dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0;
  std::function<ByteRange(const ShardLayout&)> range;
};

bool Agree(const ShardLayout& left, const ShardLayout& right) {
  return left.layers == right.layers && left.heads == right.heads &&
         std::equal(left.planes.begin(), left.planes.end(), right.planes.begin(), right.planes.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first; });
}

std::vector<Tensor> TensorsOf(const ShardLayout& layout, std::uint64_t samples) {
  std::vector<Tensor> tensors;
  tensors.push_back({"objective", "F64", {samples}, 8 * samples, [](const ShardLayout& at) { return at.objective; }});
  for (const auto& [name, range] : layout.planes) {
    tensors.push_back({name,
                       "F32",
                       {samples, layout.layers, layout.heads},
                       4 * samples * layout.layers * layout.heads,
                       [plane = name](const ShardLayout& at) { return at.planes.at(plane); }});
  }
  tensors.push_back({"index", "U32", {samples}, 4 * samples, [](const ShardLayout& at) { return at.index; }});
  tensors.push_back({"tokens", "U32", {samples}, 4 * samples, [](const ShardLayout& at) { return at.tokens; }});
  tensors.push_back(
      {"response_tokens", "U32", {samples}, 4 * samples, [](const ShardLayout& at) { return at.response_tokens; }});
  return tensors;
}

// The 8 bytes of length and the JSON, padded so that the tensors start aligned. Names are ours: nothing to escape.
std::string HeaderOf(const std::vector<Tensor>& tensors) {
  std::string json = "{";
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "\"", tensor.name, "\":{\"dtype\":\"", tensor.dtype,
                    "\",\"shape\":[", absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[", offset, ",",
                    offset + tensor.bytes, "]}");
    offset += tensor.bytes;
  }
  json += '}';
  json.append((kAlignment - json.size() % kAlignment) % kAlignment, ' ');
  std::string header;
  for (std::size_t i = 0; i < 8; ++i) header += static_cast<char>(json.size() >> (8 * i));
  return header + json;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResultFile>> ResultFile::Open(BlobStore& blobs, const std::string& dataset,
                                                             std::vector<ResultShard> shards) {
  if (shards.empty()) return absl::FailedPreconditionError("no sample was scored, so there is no result");
  std::unique_ptr<ResultFile> file(new ResultFile(blobs, std::move(shards)));
  const absl::StatusOr<std::vector<ShardLayout>> layouts = file->ReadLayouts();
  if (!layouts.ok()) return layouts.status();
  if (absl::Status status = file->OpenIds(dataset); !status.ok()) return status;
  file->Plan(*layouts);
  return file;
}

absl::StatusOr<std::vector<ShardLayout>> ResultFile::ReadLayouts() {
  std::vector<ShardLayout> layouts;
  for (const ResultShard& shard : shards_) {
    const absl::StatusOr<std::unique_ptr<BlobReader>> bytes = blobs_.Open(shard.blob);
    if (!bytes.ok()) return bytes.status();
    absl::StatusOr<ShardLayout> layout = ReadShardLayout(**bytes);
    if (!layout.ok()) return layout.status();
    if (layout->samples != shard.samples.size()) {
      return absl::DataLossError(
          absl::StrCat("a stored shard of ", shard.samples.size(), " samples holds ", layout->samples));
    }
    layouts.push_back(*std::move(layout));
    if (!Agree(layouts.front(), layouts.back())) {
      return absl::DataLossError("the stored shards do not agree in their planes and shapes");
    }
  }
  return layouts;
}

absl::Status ResultFile::OpenIds(const std::string& dataset) {
  absl::StatusOr<std::unique_ptr<BlobReader>> bytes = blobs_.Open(dataset);
  if (!bytes.ok()) return bytes.status();
  dataset_ = *std::move(bytes);
  const absl::StatusOr<std::uint64_t> size = IdsJson::Measure(*dataset_, shards_);
  if (!size.ok()) return size.status();
  ids_bytes_ = *size;
  ids_ = std::make_unique<IdsJson>(*dataset_, shards_);
  return absl::OkStatus();
}

void ResultFile::Plan(const std::vector<ShardLayout>& layouts) {
  std::uint64_t samples = 0;
  for (const ShardLayout& layout : layouts) samples += layout.samples;
  std::vector<Tensor> tensors = TensorsOf(layouts.front(), samples);
  for (const Tensor& tensor : tensors) {
    for (std::size_t shard = 0; shard < layouts.size(); ++shard) {
      segments_.push_back({shard, tensor.range(layouts[shard])});
    }
  }
  tensors.push_back({"ids", "U8", {ids_bytes_}, ids_bytes_, nullptr});
  header_ = HeaderOf(tensors);
  size_ = header_.size();
  for (const Tensor& tensor : tensors) size_ += tensor.bytes;
}

absl::StatusOr<std::string> ResultFile::FromSegments(std::size_t max_bytes) {
  Segment& segment = segments_[next_segment_];
  if (!shard_ || shard_number_ != segment.shard) {
    absl::StatusOr<std::unique_ptr<BlobReader>> bytes = blobs_.Open(shards_[segment.shard].blob);
    if (!bytes.ok()) return bytes.status();
    shard_ = *std::move(bytes);
    shard_number_ = segment.shard;
  }
  const std::uint64_t length = std::min<std::uint64_t>(max_bytes, segment.range.length);
  absl::StatusOr<std::string> piece = shard_->Read(segment.range.offset, length);
  if (!piece.ok()) return piece;
  segment.range.offset += length;
  segment.range.length -= length;
  if (segment.range.length == 0) ++next_segment_;
  return piece;
}

absl::StatusOr<std::string> ResultFile::Next(std::size_t max_bytes) {
  std::string bytes = header_.substr(0, max_bytes);
  header_.erase(0, bytes.size());
  while (bytes.size() < max_bytes && next_segment_ < segments_.size()) {
    const absl::StatusOr<std::string> piece = FromSegments(max_bytes - bytes.size());
    if (!piece.ok()) return piece;
    bytes += *piece;
  }
  if (bytes.size() == max_bytes) return bytes;
  const absl::StatusOr<std::string> ids = ids_->Next(max_bytes - bytes.size());
  if (!ids.ok()) return ids;
  return bytes + *ids;
}

}  // namespace headscope::server
