// Feeds files, and those of folders, to a fuzz target: what was found stays found where there is no clang.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz_input.h"

namespace {

void Replay(const std::filesystem::path& path) {
  std::cout << path.string() << std::endl;
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
}

int ReplayAll(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return 0;
  if (!std::filesystem::is_directory(path)) return Replay(path), 1;
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    Replay(entry.path());
    ++files;
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) files += ReplayAll(argv[i]);
  std::cout << files << " inputs\n";
  return files > 0 ? 0 : 1;
}
