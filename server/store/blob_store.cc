#include "server/store/blob_store.h"

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"

namespace headscope::server {

absl::StatusOr<std::string> GetBlob(BlobStore& blobs, const std::string& sha256_hex) {
  absl::StatusOr<std::unique_ptr<BlobReader>> reader = blobs.Open(sha256_hex);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<std::string> bytes = (*reader)->Read(0, (*reader)->size());
  if (bytes.ok() && ToHex(Sha256Of(*bytes)) != sha256_hex) {
    return absl::DataLossError(absl::StrCat("blob '", sha256_hex, "' of ", bytes->size(), " bytes is damaged"));
  }
  return bytes;
}

}  // namespace headscope::server
