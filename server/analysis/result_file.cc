#include "server/analysis/result_file.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/jobs/stored_bytes.h"

namespace headscope::server {
namespace {

constexpr std::size_t kAlignment = 8;

// One entry of the file's header, and where its bytes stand in each shard.
struct Tensor {
  std::string name;
  const char* dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0;
  std::function<ByteRange(const ShardLayout&)> range;
  // Offsets into another tensor, 0 first: `range` holds u32 lengths.
  bool summed = false;
};

bool Agree(const ShardLayout& left, const ShardLayout& right) {
  return left.layers == right.layers && left.heads == right.heads &&
         left.recorded.has_value() == right.recorded.has_value() &&
         std::equal(left.planes.begin(), left.planes.end(), right.planes.begin(), right.planes.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first; });
}

// The tensors of a file of these shards, which agree; in the file's order, without the ids.
class TensorList {
 public:
  explicit TensorList(const std::vector<ShardLayout>& layouts)
      : layouts_(layouts), samples_(Total([](const ShardLayout& at) { return at.index; }) / 4) {
    // A worker without the tokenizer among others: strings of some shards would be no tensor.
    const bool with_tokens = layouts_.front().recorded.has_value();
    const bool with_strings =
        with_tokens && std::all_of(layouts_.begin(), layouts_.end(), [](const ShardLayout& layout) {
          return layout.recorded->string_lengths.length > 0;
        });
    Add("objective", "F64", 8, [](const ShardLayout& at) { return at.objective; });
    if (with_tokens) AddOffsets("token_offsets", [](const ShardLayout& at) { return at.tokens; });
    if (with_strings) {
      AddOffsets("token_string_offsets", [](const ShardLayout& at) { return at.recorded->string_lengths; });
    }
    AddPlanes();
    Add("index", "U32", 4, [](const ShardLayout& at) { return at.index; });
    Add("tokens", "U32", 4, [](const ShardLayout& at) { return at.tokens; });
    Add("response_tokens", "U32", 4, [](const ShardLayout& at) { return at.response_tokens; });
    if (with_tokens) {
      Add("token_ids", "I32", 4, [](const ShardLayout& at) { return at.recorded->ids; });
      Add("response_mask", "U8", 1, [](const ShardLayout& at) { return at.recorded->response_mask; });
    }
    if (with_strings) Add("token_strings", "U8", 1, [](const ShardLayout& at) { return at.recorded->strings; });
  }

  std::vector<Tensor> Take() { return std::move(tensors_); }

 private:
  using Range = std::function<ByteRange(const ShardLayout&)>;

  std::uint64_t Total(const Range& range) const {
    std::uint64_t total = 0;
    for (const ShardLayout& layout : layouts_) total += range(layout).length;
    return total;
  }
  // One axis, written as stored.
  void Add(std::string name, const char* dtype, std::uint64_t element_bytes, Range range) {
    const std::uint64_t bytes = Total(range);
    tensors_.push_back({std::move(name), dtype, {bytes / element_bytes}, bytes, std::move(range)});
  }
  void AddOffsets(std::string name, Range lengths) {
    const std::uint64_t offsets = Total(lengths) / sizeof(std::uint32_t) + 1;
    tensors_.push_back({std::move(name), "I64", {offsets}, 8 * offsets, std::move(lengths), /*summed=*/true});
  }
  void AddPlanes() {
    const ShardLayout& front = layouts_.front();
    for (const auto& [name, range] : front.planes) {
      tensors_.push_back({name,
                          "F32",
                          {samples_, front.layers, front.heads},
                          4 * samples_ * front.layers * front.heads,
                          [plane = name](const ShardLayout& at) { return at.planes.at(plane); }});
    }
  }

  const std::vector<ShardLayout>& layouts_;
  const std::uint64_t samples_;
  std::vector<Tensor> tensors_;
};

void AppendI64(std::int64_t value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
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
  std::vector<Tensor> tensors = TensorList(layouts).Take();
  for (const Tensor& tensor : tensors) {
    for (std::size_t shard = 0; shard < layouts.size(); ++shard) {
      segments_.push_back({shard, tensor.range(layouts[shard]), tensor.summed, tensor.summed && shard == 0});
    }
  }
  tensors.push_back({"ids", "U8", {ids_bytes_}, ids_bytes_, nullptr});
  pending_ = HeaderOf(tensors);
  size_ = pending_.size();
  for (const Tensor& tensor : tensors) size_ += tensor.bytes;
}

absl::StatusOr<std::string> ResultFile::ReadSegment(Segment& segment, std::uint64_t bytes) {
  if (!shard_ || shard_number_ != segment.shard) {
    absl::StatusOr<std::unique_ptr<BlobReader>> reader = blobs_.Open(shards_[segment.shard].blob);
    if (!reader.ok()) return reader.status();
    shard_ = *std::move(reader);
    shard_number_ = segment.shard;
  }
  const std::uint64_t length = std::min(bytes, segment.range.length);
  absl::StatusOr<std::string> piece = shard_->Read(segment.range.offset, length);
  segment.range.offset += length;
  segment.range.length -= length;
  return piece;
}

absl::Status ResultFile::AppendSums(Segment& segment, std::size_t bytes) {
  if (std::exchange(segment.opens_sums, false)) {
    sum_ = 0;
    AppendI64(sum_, pending_);
  }
  const std::uint64_t lengths = bytes / sizeof(std::int64_t) + 1;
  const absl::StatusOr<std::string> piece = ReadSegment(segment, lengths * sizeof(std::uint32_t));
  if (!piece.ok()) return piece.status();
  ByteParser parser(*piece);
  while (!parser.at_end()) AppendI64(sum_ += parser.TakeU32(), pending_);
  return absl::OkStatus();
}

absl::Status ResultFile::AppendSegment(std::size_t bytes) {
  Segment& segment = segments_[next_segment_];
  if (segment.summed) {
    if (absl::Status status = AppendSums(segment, bytes); !status.ok()) return status;
  } else {
    const absl::StatusOr<std::string> piece = ReadSegment(segment, bytes);
    if (!piece.ok()) return piece.status();
    pending_ += *piece;
  }
  if (segment.range.length == 0) ++next_segment_;
  return absl::OkStatus();
}

absl::StatusOr<std::string> ResultFile::Next(std::size_t max_bytes) {
  while (pending_.size() < max_bytes && next_segment_ < segments_.size()) {
    if (absl::Status status = AppendSegment(max_bytes - pending_.size()); !status.ok()) return status;
  }
  std::string bytes = pending_.substr(0, max_bytes);
  pending_.erase(0, bytes.size());
  if (bytes.size() == max_bytes) return bytes;
  const absl::StatusOr<std::string> ids = ids_->Next(max_bytes - bytes.size());
  if (!ids.ok()) return ids;
  return bytes + *ids;
}

}  // namespace headscope::server
