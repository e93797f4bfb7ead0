// A server's core without network, which the crash test kills: opens the data directory named by its first argument,
// gets its jobs done, and says every acknowledged step on standard output, one line each, unbuffered.
//   submitted <request number> <job> · scored <shard> <fence> <blob> · finished
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "server/store/blob_intake.h"
#include "server/store/housekeeping.h"
#include "server/store/sqlite_store.h"
#include "server/store/unknown_blobs.h"

namespace headscope::server {
namespace {

constexpr int kJobs = 8;
constexpr std::uint64_t kSamples = 1200;

void Say(const std::string& line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) std::_Exit(3);
}

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  Say(absl::StrCat("error ", result.status().ToString()));
  std::_Exit(2);
}

// What a server's store is made of.
struct Parts {
  Parts(JobStore& store, BlobStore& blobs) : executor(store), intake(executor, blobs), housekeeping({}, executor, blobs) {
    executor.Start();
  }

  template <typename Operation>
  auto On(Operation operation) -> decltype(operation(std::declval<JobStore&>())) {
    std::promise<decltype(operation(std::declval<JobStore&>()))> result;
    executor.Post([&](JobStore& store) { result.set_value(operation(store)); });
    return result.get_future().get();
  }

  StoreExecutor executor;
  BlobIntake intake;
  Housekeeping housekeeping;
};

// Bytes on their way in, held until the operation that records them.
HeldBlob Put(Parts& parts, const std::string& bytes) { return Must(parts.intake.Put(bytes)); }

std::string PutDataset(Parts& parts) {
  HeldBlob held = Put(parts, "the samples");
  DatasetRecord record;
  record.digest = held.digest();
  record.sample_count = kSamples;
  record.create_time = SystemClock().Now();
  Must(parts.On([&](JobStore& store) { return store.PutDataset(record); }));
  held.Recorded();
  return record.digest;
}

// Submitted again after every start: the request ids make each of them one job.
void SubmitAll(Parts& parts, const std::string& dataset) {
  for (int request = 0; request < kJobs; ++request) {
    NewJob job;
    job.spec.model = "model";
    job.spec.dataset = dataset;
    job.request_id = absl::StrCat("request ", request);
    job.request_hash = absl::StrCat("hash ", request);
    Say(absl::StrCat("submitted ", request, " ", Must(parts.On([&](JobStore& store) { return store.Submit(job); })).job.id));
  }
}

// The same for a sweep: all of its jobs or none.
void SubmitSweep(Parts& parts, const std::string& dataset) {
  NewSweep sweep;
  sweep.spec.models = {"base", "tuned"};
  sweep.spec.datasets = {{dataset, "task"}};
  sweep.model_digests.resize(2);
  sweep.request_id = "sweep";
  sweep.request_hash = "hash";
  const Sweep submitted = Must(parts.On([&](JobStore& store) { return store.SubmitSweep(sweep); })).sweep;
  for (std::size_t cell = 0; cell < submitted.cells.size(); ++cell) {
    Say(absl::StrCat("submitted cell-", cell, " ", submitted.cells[cell] ? submitted.cells[cell]->id : "none"));
  }
}

void Work(Parts& parts, const SessionRef& session, const Lease& lease) {
  const LeaseKey key{session, lease.shard.id, lease.shard.fence};
  if (lease.shard.phase == Phase::kPrepare) {
    std::vector<PreparedSample> valid;
    for (const std::uint32_t sample : lease.shard.samples) valid.push_back({sample, 20, 5});
    Must(parts.On([&](JobStore& store) { return store.CompletePrepare(key, std::string(32, 'm'), valid, {}); }));
    return;
  }
  // Every attempt has its own bytes, so that it shows whose result was taken. Beside it, bytes that nobody wants.
  Put(parts, absl::StrCat("waste of ", key.shard, " ", key.fence));
  HeldBlob held = Put(parts, absl::StrCat(key.shard, " ", key.fence, std::string(70'000, 'x')));
  Must(parts.On(
      [&](JobStore& store) { return store.CompleteScore(key, held.digest(), lease.shard.batch_tokens, 100); }));
  held.Recorded();
  Say(absl::StrCat("scored ", key.shard, " ", key.fence, " ", held.digest()));
  Must(parts.housekeeping.RemoveUnusedBlobs());
}

int Main(const std::string& path) {
  const auto directory = Must(DataDirectory::Lock(path));
  const auto random = MakeSystemRandom();
  const auto opened = Must(OpenSqliteStore(path, SystemClock(), *random));
  const ReconciledBlobs found = Must(ReconcileBlobs(path, *opened, {}, SystemClock().Now()));
  if (found.quarantined + found.missing > 0) {
    Say(absl::StrCat("error ", found.quarantined, " files are unknown, ", found.missing, " missing"));
    return 2;
  }
  const auto blobs = Must(OpenFileBlobStore(path, found.stored_bytes));
  Parts parts(*opened, *blobs);
  const std::string dataset = PutDataset(parts);
  SubmitAll(parts, dataset);
  SubmitSweep(parts, dataset);
  const SessionRef session =
      Must(parts.On([](JobStore& store) { return store.OpenSession({"local-0", "boot", "test", "cpu", true}); })).ref;
  for (;;) {
    const auto candidates = Must(parts.On([](JobStore& store) { return store.Candidates(); }));
    if (candidates.empty()) break;
    const auto lease =
        Must(parts.On([&](JobStore& store) { return store.Claim(session, candidates.back().shard); }));
    if (lease) Work(parts, session, *lease);
  }
  Say("finished");
  return 0;
}

}  // namespace
}  // namespace headscope::server

int main(int argc, char** argv) { return argc == 2 ? headscope::server::Main(argv[1]) : 1; }
