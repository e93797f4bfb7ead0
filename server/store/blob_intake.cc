#include "server/store/blob_intake.h"

#include <memory>

#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "server/store/failpoint.h"
#include "server/store/store_call.h"

namespace headscope::server {
namespace {

// A blob is REMOVING for as long as it takes to unlink a few dozen files.
constexpr int kTries = 100;
constexpr absl::Duration kBetweenTries = absl::Milliseconds(20);

}  // namespace

absl::StatusOr<HeldBlob> BlobIntake::Take(BlobWriter& writer) {
  const absl::StatusOr<std::string> digest = writer.Finish();
  if (!digest.ok()) return digest.status();
  absl::Status announced = Announce(*digest, writer.size());
  for (int i = 1; i < kTries && ReasonOf(announced) == "BLOB_GONE"; ++i) {
    absl::SleepFor(kBetweenTries);
    announced = Announce(*digest, writer.size());
  }
  if (!announced.ok()) return announced;
  HeldBlob held = Hold(*digest);
  Failpoint("blob.announced");
  if (absl::Status placed = writer.Place(); !placed.ok()) return placed;
  return held;
}

absl::StatusOr<HeldBlob> BlobIntake::Put(std::string_view bytes) {
  absl::StatusOr<std::unique_ptr<BlobWriter>> writer = blobs_.Create();
  if (!writer.ok()) return writer.status();
  if (absl::Status appended = (*writer)->Append(bytes); !appended.ok()) return appended;
  return Take(**writer);
}

absl::Status BlobIntake::Announce(const std::string& digest, std::uint64_t size) {
  return OnStore(store_, [digest, size](JobStore& store) { return store.AnnounceBlob(digest, size); });
}

HeldBlob BlobIntake::Hold(const std::string& digest) {
  return HeldBlob(digest, [&store = store_](const std::string& blob) {
    // Refused while the server ends: its next start forgets the writer.
    store.Post([blob](JobStore& jobs) {
      const absl::Status given_up = jobs.GiveUpBlob(blob);
      if (given_up.ok()) return;
      Log(LogLevel::kWarning, "bytes that nobody wants stay until the next start of the server", {{"status", given_up}});
    });
  });
}

}  // namespace headscope::server
