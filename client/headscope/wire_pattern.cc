#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/headscope/wire.h"
#include "client/headscope/wire_analysis.h"
#include "client/headscope/wire_time.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope::client {
namespace {

Provenance ProvenanceFromProto(const v1::Provenance& proto) {
  Provenance provenance;
  provenance.model = Bare(proto.model(), "models/");
  provenance.model_digest = proto.model_digest();
  provenance.family = proto.family();
  provenance.stored_dtype = proto.stored_dtype();
  provenance.compute = FromProto(proto.compute());
  provenance.compute_dtype = FromProto(proto.compute_dtype());
  provenance.dataset = Bare(proto.dataset(), "datasets/");
  provenance.samples_total = proto.samples_total();
  provenance.samples_scored = proto.samples_scored();
  provenance.samples_skipped = {proto.samples_skipped().begin(), proto.samples_skipped().end()};
  provenance.tokens = proto.tokens();
  provenance.response_tokens = proto.response_tokens();
  provenance.batch_tokens = proto.batch_tokens();
  provenance.halved_shards = proto.halved_shards();
  provenance.workers = Strings(proto.workers());
  provenance.devices = Strings(proto.devices());
  provenance.builds = Strings(proto.builds());
  provenance.attempts = proto.attempts();
  if (proto.has_create_time()) provenance.create_time = FromProto(proto.create_time());
  if (proto.has_start_time()) provenance.start_time = FromProto(proto.start_time());
  if (proto.has_end_time()) provenance.end_time = FromProto(proto.end_time());
  provenance.server_build = proto.server_build();
  provenance.kv_heads = proto.kv_heads();
  provenance.head_dim = proto.head_dim();
  return provenance;
}

}  // namespace

absl::StatusOr<Matrix> ToMatrix(const v1::Tensor& tensor, const std::string& name) {
  if (tensor.shape_size() != 2) {
    return absl::DataLossError(absl::StrCat(name, ": wanted two axes, found ", tensor.shape_size()));
  }
  auto values = DecodeFloat64(tensor);
  if (!values.ok()) return absl::DataLossError(absl::StrCat(name, ": ", values.status().message()));
  return Matrix{tensor.shape(0), tensor.shape(1), *std::move(values)};
}

absl::StatusOr<Pattern> FromProto(const v1::Pattern& proto) {
  Pattern pattern;
  pattern.id = Bare(proto.name(), "patterns/");
  if (proto.has_values()) {
    auto values = ToMatrix(proto.values(), "pattern");
    if (!values.ok()) return values.status();
    pattern.values = *std::move(values);
  }
  if (proto.has_standard_error()) {
    auto error = ToMatrix(proto.standard_error(), "standard error");
    if (!error.ok()) return error.status();
    if (error->rows != pattern.values.rows || error->columns != pattern.values.columns) {
      return absl::DataLossError("standard error: another shape than the pattern's");
    }
    pattern.standard_error = *std::move(error);
  }
  pattern.reduction = FromProto(proto.reduction());
  pattern.provenance = ProvenanceFromProto(proto.provenance());
  pattern.samples_scored = proto.samples_scored();
  pattern.job = Bare(proto.job(), "jobs/");
  pattern.display_name = proto.display_name();
  pattern.origin = proto.imported().origin();
  if (proto.has_create_time()) pattern.create_time = FromProto(proto.create_time());
  pattern.layers = proto.layers();
  pattern.heads = proto.heads();
  pattern.labels = {proto.labels().begin(), proto.labels().end()};
  return pattern;
}

Dataset FromProto(const v1::Dataset& proto) {
  Dataset dataset;
  dataset.id = Bare(proto.name(), "datasets/");
  dataset.sample_count = proto.sample_count();
  dataset.size_bytes = proto.size_bytes();
  dataset.display_name = proto.display_name();
  if (proto.has_create_time()) dataset.create_time = FromProto(proto.create_time());
  return dataset;
}

}  // namespace headscope::client
