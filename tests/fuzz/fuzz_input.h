// What all fuzz targets share: taking inputs apart, and what must hold of every answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace headscope::fuzz {

std::string_view TextOf(const std::uint8_t* data, std::size_t size);

// Takes the part before the first byte 0xFF, which no UTF-8 text holds, off `rest`, or all of it where there is none.
std::string_view TakePart(std::string_view& rest);

// Ends the process, naming `what`, unless `holds`.
void Require(bool holds, std::string_view what);

// A refusal says why in a few lines, and is about the input: none says that something is wrong with this program.
void RequireRefusal(const absl::Status& status);

// A folder in memory that lasts as long as the process, with files to overwrite.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  void Write(std::string_view name, std::string_view content) const;

 private:
  std::string path_;
};

}  // namespace headscope::fuzz
