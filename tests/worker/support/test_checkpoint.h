// Model directories made by tests: golden cases to change, or random weights for any config.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace headscope::worker {

// A tensor as a safetensors file holds it.
struct TestTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;

  // Elements of an F32 or F64 tensor.
  std::vector<double> Values() const;
  // Replaces the elements, converting to the tensor's dtype (F32 or F64).
  void SetValues(const std::vector<double>& values);
};

using TestTensors = std::map<std::string, TestTensor>;

std::string ReadFileOrDie(const std::string& path);
void WriteFileOrDie(const std::string& path, const std::string& content);

// The tensors of a well-formed file, and the bytes of a well-formed file of those tensors.
TestTensors ParseSafetensors(const std::string& bytes);
std::string SafetensorsBytes(const TestTensors& tensors);
// A file with this header text and data, well-formed or not.
std::string RawSafetensors(const std::string& header, const std::string& data);

// A directory of its own beneath the test's temporary folder, removed with this object.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// While it lives, this process can open no file: as when it has too many open.
class NoOpenFiles {
 public:
  NoOpenFiles();
  ~NoOpenFiles();
  NoOpenFiles(const NoOpenFiles&) = delete;
  NoOpenFiles& operator=(const NoOpenFiles&) = delete;

 private:
  rlim_t before_ = 0;
};

// A config and tensors that can be changed and then written as a model directory.
class TestModel {
 public:
  // Of a case in tests/golden.
  static TestModel Golden(const std::string& name);
  // Random tensors for `config`: norm factors near 1, everything else, biases included, about as large as in the golden
  // cases. The same for the same seed.
  static TestModel Random(const nlohmann::json& config, std::uint32_t seed);

  // Writes config.json and model.safetensors and returns the directory, new for each call and kept as long as this.
  std::string Write() const;
  // The same with the tensors dealt over `shards` files and an index.
  std::string WriteSharded(int shards) const;

  nlohmann::json config;
  TestTensors tensors;

 private:
  mutable std::vector<std::shared_ptr<TempDirectory>> directories_;
};

std::string GoldenDirectory(const std::string& name);

}  // namespace headscope::worker
