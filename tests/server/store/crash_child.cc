// A server's core without network, which the crash test kills: opens the data directory named by its first argument,
// gets its jobs done, and says every acknowledged step on standard output, one line each, unbuffered.
//   submitted <request number> <job> · scored <shard> <fence> <blob> · finished
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "server/store/sqlite_store.h"

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

std::string PutDataset(JobStore& store, BlobStore& blobs) {
  DatasetRecord record;
  record.digest = Must(PutBlob(blobs, "the samples"));
  record.sample_count = kSamples;
  record.create_time = SystemClock().Now();
  return Must(store.PutDataset(record)).digest;
}

// Submitted again after every start: the request ids make each of them one job.
void SubmitAll(JobStore& store, const std::string& dataset) {
  for (int request = 0; request < kJobs; ++request) {
    NewJob job;
    job.spec.model = "model";
    job.spec.dataset = dataset;
    job.request_id = absl::StrCat("request ", request);
    job.request_hash = absl::StrCat("hash ", request);
    Say(absl::StrCat("submitted ", request, " ", Must(store.Submit(job)).job.id));
  }
}

// The same for a sweep: all of its jobs or none.
void SubmitSweep(JobStore& store, const std::string& dataset) {
  NewSweep sweep;
  sweep.spec.models = {"base", "tuned"};
  sweep.spec.datasets = {{dataset, "task"}};
  sweep.model_digests.resize(2);
  sweep.request_id = "sweep";
  sweep.request_hash = "hash";
  const Sweep submitted = Must(store.SubmitSweep(sweep)).sweep;
  for (std::size_t cell = 0; cell < submitted.cells.size(); ++cell) {
    Say(absl::StrCat("submitted cell-", cell, " ", submitted.cells[cell] ? submitted.cells[cell]->id : "none"));
  }
}

void Work(JobStore& store, BlobStore& blobs, const SessionRef& session, const Lease& lease) {
  const LeaseKey key{session, lease.shard.id, lease.shard.fence};
  if (lease.shard.phase == Phase::kPrepare) {
    std::vector<PreparedSample> valid;
    for (const std::uint32_t sample : lease.shard.samples) valid.push_back({sample, 20, 5});
    Must(store.CompletePrepare(key, std::string(32, 'm'), valid, {}));
    return;
  }
  // Every attempt has its own bytes, so that it shows whose result was taken.
  const std::string blob = Must(PutBlob(blobs, absl::StrCat(key.shard, " ", key.fence, std::string(70'000, 'x'))));
  Must(store.CompleteScore(key, blob, lease.shard.batch_tokens, 100));
  Say(absl::StrCat("scored ", key.shard, " ", key.fence, " ", blob));
}

int Main(const std::string& path) {
  const auto directory = Must(DataDirectory::Lock(path));
  const auto random = MakeSystemRandom();
  const auto store = Must(OpenSqliteStore(path, SystemClock(), *random));
  const auto blobs = Must(OpenFileBlobStore(path));
  const std::string dataset = PutDataset(*store, *blobs);
  SubmitAll(*store, dataset);
  SubmitSweep(*store, dataset);
  const SessionRef session = Must(store->OpenSession({"local-0", "boot", "test", "cpu", true})).ref;
  for (;;) {
    const std::vector<Candidate> candidates = Must(store->Candidates());
    if (candidates.empty()) break;
    const auto lease = Must(store->Claim(session, candidates.back().shard));
    if (lease) Work(*store, *blobs, session, *lease);
  }
  Say("finished");
  return 0;
}

}  // namespace
}  // namespace headscope::server

int main(int argc, char** argv) { return argc == 2 ? headscope::server::Main(argv[1]) : 1; }
