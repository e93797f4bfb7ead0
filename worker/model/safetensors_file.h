// One safetensors file, open and checked.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "worker/model/model_directory.h"
#include "worker/model/safetensors_header.h"

namespace headscope::worker {

// Immutable: thread-safe. Move-only.
class SafetensorsFile {
 public:
  // Reads and checks the header of `name` in `directory`. Errors: those of ModelDirectory::OpenFile and of
  // ParseSafetensorsHeader.
  static absl::StatusOr<SafetensorsFile> Open(const ModelDirectory& directory, const std::string& name);

  const SafetensorsHeader& header() const { return header_; }
  const ModelFile& file() const { return file_; }
  // Copies the bytes of `tensor`, one of header(), little-endian and row-major, to `destination`.
  absl::Status Read(const StoredTensor& tensor, void* destination) const;

 private:
  SafetensorsFile(ModelFile file, SafetensorsHeader header, std::int64_t data_begin);

  ModelFile file_;
  SafetensorsHeader header_;
  std::int64_t data_begin_;
};

}  // namespace headscope::worker
