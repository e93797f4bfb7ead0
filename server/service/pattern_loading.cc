#include "server/service/pattern_loading.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "server/analysis/job_samples.h"
#include "server/jobs/pattern_values.h"
#include "server/service/convert.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

// Shards alone: what an answer says of the run stands with the pattern.
absl::StatusOr<PatternSource> FindScores(JobStore& store, const std::string& pattern_id) {
  const std::string job_id = absl::StrCat("j-", pattern_id.substr(2));
  absl::StatusOr<Job> job = store.GetJob(job_id);
  if (absl::IsNotFound(job.status())) {
    return MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no ", PatternName(pattern_id)),
                     "PATTERN_NOT_FOUND");
  }
  if (!job.ok()) return job.status();
  auto shards = store.ResultShards(job_id);
  if (!shards.ok()) return shards.status();
  return PatternSource{*std::move(job), *std::move(shards), {}, {}};
}

absl::Status LoadJob(const FoundPattern& found, BlobStore& blobs, const KeepOn& keep_on, LoadedPattern& loaded) {
  absl::StatusOr<ReducedPattern> pattern = ReducePattern(*found.job, found.reduction(), blobs, keep_on);
  if (!pattern.ok()) return pattern.status();
  loaded.matrix = {pattern->layers, pattern->heads, std::move(pattern->values)};
  loaded.standard_error = std::move(pattern->standard_error);
  const Job& job = found.job->job;
  loaded.model = {job.spec.model, job.spec.model_digest, job.model};
  *loaded.identity.mutable_reduction() = ToProto(found.reduction());
  loaded.identity.set_samples_scored(pattern->samples);
  return absl::OkStatus();
}

absl::Status LoadImported(const FoundPattern& found, BlobStore& blobs, LoadedPattern& loaded) {
  const absl::StatusOr<std::string> bytes = GetBlob(blobs, found.imported->blob);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<PatternValues> values = DecodePattern(*bytes);
  if (!values.ok()) return values.status();
  loaded.matrix = {values->layers, values->heads, std::move(values->values)};
  loaded.standard_error = std::move(values->standard_error);
  loaded.model = {found.imported->model, found.imported->model_digest, found.imported->facts};
  loaded.identity.set_display_name(found.imported->display_name);
  loaded.identity.set_samples_scored(found.imported->samples);
  return absl::OkStatus();
}

absl::Status Subtract(const LoadedPattern& minus, LoadedPattern& loaded) {
  loaded.title = absl::StrCat(loaded.title, " minus ", minus.title);
  loaded.matrix = Difference(loaded.matrix, minus.matrix);
  if (loaded.standard_error && minus.standard_error) {
    for (std::size_t i = 0; i < loaded.standard_error->size(); ++i) {
      double& error = (*loaded.standard_error)[i];
      error = std::hypot(error, (*minus.standard_error)[i]);
    }
  } else {
    loaded.standard_error.reset();
  }
  *loaded.identity.mutable_minus() = minus.identity;
  return absl::OkStatus();
}

// What differs between two models, as a message puts it; empty where nothing known does.
std::string DifferenceOf(const ModelFacts& left, const ModelFacts& right) {
  if (!left.family.empty() && !right.family.empty() && left.family != right.family) {
    return absl::StrCat("families ", left.family, " and ", right.family);
  }
  const auto differ = [](std::uint32_t a, std::uint32_t b) { return a != 0 && b != 0 && a != b; };
  if (differ(left.kv_heads, right.kv_heads)) {
    return absl::StrCat(left.kv_heads, " and ", right.kv_heads, " key-value heads");
  }
  if (differ(left.head_dim, right.head_dim)) return absl::StrCat("heads of ", left.head_dim, " and ", right.head_dim);
  return "";
}

absl::StatusOr<ResampledPatterns> ResampleJob(const FoundPattern& found, const Bootstrap& bootstrap, BlobStore& blobs,
                                              const KeepOn& keep_on) {
  const ReductionOptions reduction = found.reduction();
  auto samples = JobSamples::Open(blobs, found.job->shards, reduction, found.job->job.model.kv_heads);
  if (!samples.ok()) return samples.status();
  SampleBootstrap resampler(bootstrap, samples->count(), samples->layers(), samples->columns());
  for (;;) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    const absl::StatusOr<bool> more = samples->Next();
    if (!more.ok()) return more.status();
    if (!*more) break;
    resampler.Add(samples->scores());
  }
  ResampledPatterns resampled = resampler.Finish();
  if (reduction.layer_norm == LayerNorm::kL2) {
    NormaliseLayers(resampled.resamples * resampled.layers, resampled.values, nullptr);
  }
  return resampled;
}

}  // namespace

absl::StatusOr<FoundPattern> FindPattern(JobStore& store, const PatternReference& reference) {
  FoundPattern found;
  found.reference = reference;
  if (!reference.inlined) {
    absl::StatusOr<PatternRecord> record = store.GetPattern(reference.id);
    if (!record.ok() && !absl::IsNotFound(record.status())) return record.status();
    if (record.ok() && record->job.empty()) {
      if (reference.reduction) {
        return Refused(absl::StrCat(reference.title, " was imported: there are no planes to reduce"),
                       "REDUCTION_NOT_APPLICABLE");
      }
      found.imported = *std::move(record);
    } else {
      absl::StatusOr<PatternSource> source = FindScores(store, reference.id);
      if (!source.ok()) return source.status();
      found.job = *std::move(source);
    }
  }
  if (reference.minus == nullptr) return found;
  absl::StatusOr<FoundPattern> minus = FindPattern(store, *reference.minus);
  if (!minus.ok()) return minus.status();
  found.minus = std::make_shared<const FoundPattern>(*std::move(minus));
  return found;
}

absl::Status CheckComparable(const LoadedPattern& left, const LoadedPattern& right, bool allow_different_models) {
  if (absl::Status status = CheckSameShape(left.matrix, left.title, right.matrix, right.title); !status.ok()) {
    return status;
  }
  const std::string difference = DifferenceOf(left.model.facts, right.model.facts);
  if (difference.empty() || allow_different_models) return absl::OkStatus();
  return Refused(
      absl::StrCat(left.title, " and ", right.title, " are of models of different architectures (", difference,
                   "), whose heads do not correspond; set `allow_different_models` to compare them all the same"),
      "DIFFERENT_MODELS");
}

absl::StatusOr<LoadedPattern> LoadPattern(const FoundPattern& found, bool allow_different_models, BlobStore& blobs,
                                          const KeepOn& keep_on) {
  if (absl::Status status = keep_on(); !status.ok()) return status;
  LoadedPattern loaded;
  loaded.title = found.reference.title;
  if (found.reference.inlined) {
    loaded.matrix = found.reference.inlined->matrix;
    loaded.standard_error = found.reference.inlined->standard_error;
    loaded.model = found.reference.inlined->model;
    loaded.identity.set_display_name(found.reference.title);
  } else {
    absl::Status status = found.job ? LoadJob(found, blobs, keep_on, loaded) : LoadImported(found, blobs, loaded);
    if (!status.ok()) return status;
    loaded.identity.set_name(PatternName(found.reference.id));
  }
  loaded.identity.set_model(loaded.model.name);
  loaded.identity.set_family(loaded.model.facts.family);
  if (found.minus == nullptr) return loaded;
  const absl::StatusOr<LoadedPattern> minus = LoadPattern(*found.minus, allow_different_models, blobs, keep_on);
  if (!minus.ok()) return minus.status();
  if (absl::Status status = CheckComparable(loaded, *minus, allow_different_models); !status.ok()) return status;
  if (absl::Status status = Subtract(*minus, loaded); !status.ok()) return status;
  return loaded;
}

absl::StatusOr<std::vector<LoadedPattern>> LoadPatterns(const std::vector<FoundPattern>& found,
                                                        bool allow_different_models, BlobStore& blobs,
                                                        const KeepOn& keep_on) {
  std::vector<LoadedPattern> patterns;
  std::uint64_t values = 0;
  for (const FoundPattern& one : found) {
    absl::StatusOr<LoadedPattern> loaded = LoadPattern(one, allow_different_models, blobs, keep_on);
    if (!loaded.ok()) return loaded.status();
    values += loaded->matrix.size();
    if (values > kMaxAnalysisValues) {
      return Refused(absl::StrCat("the patterns have more than ", kMaxAnalysisValues, " values together"),
                     "TOO_MUCH_WORK");
    }
    patterns.push_back(*std::move(loaded));
    // Against each: what is not known of one may be known of others.
    for (std::size_t i = 0; i + 1 < patterns.size(); ++i) {
      absl::Status status = CheckComparable(patterns[i], patterns.back(), allow_different_models);
      if (!status.ok()) return status;
    }
  }
  return patterns;
}

std::uint64_t SamplesOf(const FoundPattern& found) {
  if (!found.job) return 0;
  std::uint64_t samples = 0;
  for (const ResultShard& shard : found.job->shards) samples += shard.samples.size();
  if (found.minus == nullptr) return samples;
  const std::uint64_t minus = SamplesOf(*found.minus);
  return minus == 0 ? 0 : samples + minus;
}

absl::StatusOr<ResampledPatterns> Resample(const FoundPattern& found, const Bootstrap& bootstrap, BlobStore& blobs,
                                           const KeepOn& keep_on) {
  absl::StatusOr<ResampledPatterns> resampled = ResampleJob(found, bootstrap, blobs, keep_on);
  if (!resampled.ok() || found.minus == nullptr) return resampled;
  // Another stream of the same seed.
  Bootstrap other = bootstrap;
  other.seed = ~bootstrap.seed;
  const absl::StatusOr<ResampledPatterns> minus = Resample(*found.minus, other, blobs, keep_on);
  if (!minus.ok()) return minus.status();
  for (std::size_t i = 0; i < resampled->values.size(); ++i) resampled->values[i] -= minus->values[i];
  return resampled;
}

}  // namespace headscope::server
