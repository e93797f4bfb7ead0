#include "tests/client/demo_messages.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope::tests {

v1::Model DemoModel() {
  v1::Model model;
  model.set_name("models/demo");
  model.set_digest(Sha256Of("demo"));
  model.set_family("llama");
  model.set_layers(1);
  model.set_heads(2);
  model.set_kv_heads(2);
  model.set_has_tokenizer(true);
  model.add_workers("w-1");
  return model;
}

v1::Job DemoJob(v1::Job::State state) {
  v1::Job job;
  job.set_name("jobs/j-1");
  job.set_state(state);
  job.mutable_spec()->set_model("models/demo");
  job.mutable_spec()->set_model_digest(Sha256Of("demo"));
  job.mutable_spec()->mutable_compute()->set_engine(v1::ENGINE_REFERENCE);
  job.mutable_spec()->mutable_execution()->set_batch_tokens(1024);
  job.mutable_progress()->set_samples_done(2);
  job.mutable_progress()->set_samples_total(2);
  job.mutable_start_time()->set_seconds(1000);
  if (state == v1::Job::SUCCEEDED) job.set_pattern("patterns/p-1");
  return job;
}

v1::Sweep DemoSweep(v1::Job::State state) {
  v1::Sweep sweep;
  sweep.set_name("sweeps/s-1");
  sweep.set_state(state);
  sweep.mutable_spec()->add_models("models/demo");
  for (const char* task : {"copy", "sort"}) {
    const std::string dataset = absl::StrCat("datasets/", ToHex(Sha256Of(task)));
    v1::SweepDataset& added = *sweep.mutable_spec()->add_datasets();
    added.set_dataset(dataset);
    added.set_task(task);
    v1::SweepCell& cell = *sweep.add_cells();
    cell.set_model("models/demo");
    cell.set_dataset(dataset);
    cell.set_task(task);
    cell.set_job(absl::StrCat("jobs/j-", sweep.cells_size()));
    cell.set_state(state);
    cell.mutable_progress()->set_samples_total(2);
    if (state != v1::Job::SUCCEEDED) continue;
    cell.set_pattern(absl::StrCat("patterns/p-", sweep.cells_size()));
    cell.mutable_progress()->set_samples_done(2);
    sweep.mutable_progress()->set_samples_done(2ul * static_cast<unsigned>(sweep.cells_size()));
  }
  sweep.mutable_progress()->set_samples_total(4);
  sweep.mutable_counts()->set_total(2);
  if (state == v1::Job::QUEUED) sweep.mutable_counts()->set_queued(2);
  if (state == v1::Job::RUNNING) sweep.mutable_counts()->set_running(2);
  if (state == v1::Job::SUCCEEDED) sweep.mutable_counts()->set_succeeded(2);
  if (state == v1::Job::FAILED) sweep.mutable_counts()->set_failed(2);
  return sweep;
}

v1::Pattern DemoPattern() {
  v1::Pattern pattern;
  pattern.set_name("patterns/p-1");
  pattern.set_job("jobs/j-1");
  *pattern.mutable_values() = EncodeTensor(std::vector<double>{0.5, 0.25}, {1, 2});
  *pattern.mutable_standard_error() = EncodeTensor(std::vector<double>{0.1, 0.2}, {1, 2});
  pattern.set_samples_scored(2);
  v1::Provenance& provenance = *pattern.mutable_provenance();
  provenance.set_model("models/demo");
  provenance.set_model_digest(Sha256Of("demo"));
  provenance.set_samples_total(2);
  provenance.set_samples_scored(2);
  provenance.set_tokens(12);
  provenance.set_response_tokens(7);
  return pattern;
}

v1::WatchJobResponse Snapshot(std::uint64_t sequence, const v1::Job& job) {
  v1::WatchJobResponse response;
  response.set_sequence(sequence);
  *response.mutable_snapshot() = job;
  return response;
}

v1::WatchJobResponse ProgressEvent(std::uint64_t sequence, std::uint64_t samples, std::uint64_t tokens) {
  v1::WatchJobResponse response;
  response.set_sequence(sequence);
  response.mutable_progress()->set_samples_done(samples);
  response.mutable_progress()->set_tokens_done(tokens);
  return response;
}

}  // namespace headscope::tests
