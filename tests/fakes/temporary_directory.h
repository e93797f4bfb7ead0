// A folder for one test, removed with everything in it.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace headscope {

// A new folder beneath `base`; whoever asked for it removes it.
inline std::string MakeTemporaryFolder(const std::string& base = std::filesystem::temp_directory_path().string()) {
  // mkdtemp wants six letters X, which it replaces by others.
  std::string folder = base + "/headscope-test-" + std::string(6, 'X');
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
  return folder;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(MakeTemporaryFolder(Base())) {}
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string Child(const std::string& name) const { return path_ + "/" + name; }

 private:
  // In memory where there is room for files, since much is synced.
  static std::string Base() {
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  }

  std::string path_;
};

}  // namespace headscope
