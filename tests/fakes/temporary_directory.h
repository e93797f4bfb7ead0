// A folder for one test, removed with everything in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace headscope {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = Base() + "headscope-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    path_ = pattern;
  }
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
  static std::string Base() { return access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : ::testing::TempDir(); }

  std::string path_;
};

}  // namespace headscope
