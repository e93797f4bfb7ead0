#include "server/service/sample_intake.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/wire/sample_codec.h"

namespace headscope::server {
namespace {

const char* KindName(std::size_t kind) {
  constexpr const char* kNames[] = {"a pair", "token ids", "text"};
  return kNames[kind];
}

// Faults of a sample are said as "field: what is wrong".
void AddFault(const absl::Status& fault, const std::string& path, Violations& violations) {
  const std::string_view message(fault.message().data(), fault.message().size());
  const std::size_t colon = message.find(": ");
  if (colon == std::string_view::npos) return violations.Add(path, std::string(message));
  violations.Add(absl::StrCat(path, ".", std::string(message.substr(0, colon))),
                 std::string(message.substr(colon + 2)));
}

absl::Status TooLarge(const char* what, std::uint64_t limit) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("the dataset has more than ", limit, " ", what, "; split it"), "DATASET_TOO_LARGE");
}

}  // namespace

absl::Status SampleIntake::Add(const v1::SampleBatch& batch, Violations& violations, std::string& records) {
  if (batch.ByteSizeLong() > kMaxBlockBytes) {
    violations.Add(field_, absl::StrCat("come in a batch of ", batch.ByteSizeLong(), " bytes, at most ", kMaxBlockBytes,
                                        " are allowed"));
  }
  for (const v1::Sample& sample : batch.samples()) {
    if (absl::Status status = Take(sample, violations, records); !status.ok()) return status;
  }
  if (bytes_ == 0) records.insert(0, DatasetHeader());
  if (!violations.empty()) records.clear();
  hash_.Update(records);
  bytes_ += records.size();
  if (bytes_ > kMaxDatasetBytes) return TooLarge("bytes", kMaxDatasetBytes);
  return absl::OkStatus();
}

absl::Status SampleIntake::Take(const v1::Sample& proto, Violations& violations, std::string& records) {
  const std::string path = absl::StrCat(field_, "[", count_, "]");
  if (++count_ > kMaxDatasetSamples) return TooLarge("samples", kMaxDatasetSamples);
  absl::StatusOr<Sample> sample = FromProto(proto);
  if (!sample.ok()) {
    AddFault(sample.status(), path, violations);
    return absl::OkStatus();
  }
  if (sample->id.empty()) sample->id = absl::StrCat(count_);
  Check(*sample, path, violations);
  if (violations.empty()) AppendSampleRecord(*sample, records);
  return absl::OkStatus();
}

void SampleIntake::Check(const Sample& sample, const std::string& path, Violations& violations) {
  if (absl::Status fault = CheckSample(sample); !fault.ok()) AddFault(fault, path, violations);
  const std::size_t kind = sample.input.index();
  if (!kind_) kind_ = kind;
  if (kind != *kind_) {
    violations.Add(absl::StrCat(path, ".input"),
                   absl::StrCat("is ", KindName(kind), " where the first sample is ", KindName(*kind_)));
  }
  std::array<char, 16> key;
  const std::string digest = Sha256Of(sample.id);
  std::copy_n(digest.begin(), key.size(), key.begin());
  if (!ids_.insert(key).second) violations.Add(absl::StrCat(path, ".id"), "is the id of an earlier sample too");
}

void SampleIntake::CheckWhole(Violations& violations) const {
  if (count_ == 0) violations.Add(field_, "are none, at least one sample is needed");
}

}  // namespace headscope::server
