#include "tests/worker/support/test_checkpoint.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/temporary_directory.h"
#include "worker/model/families/registry.h"

namespace headscope::worker {
namespace {

[[noreturn]] void Die(const std::string& text) {
  std::cerr << "test set-up: " << text << std::endl;
  std::abort();
}

template <typename T>
std::vector<double> Decode(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return {values.begin(), values.end()};
}

template <typename T>
std::string Encode(const std::vector<double>& values) {
  const std::vector<T> typed(values.begin(), values.end());
  return {reinterpret_cast<const char*>(typed.data()), typed.size() * sizeof(T)};
}

}  // namespace

std::vector<double> TestTensor::Values() const { return dtype == "F64" ? Decode<double>(bytes) : Decode<float>(bytes); }

void TestTensor::SetValues(const std::vector<double>& values) {
  bytes = dtype == "F64" ? Encode<double>(values) : Encode<float>(values);
}

std::string ReadFileOrDie(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Die("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFileOrDie(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(content.data(), static_cast<std::streamsize>(content.size()))) Die("cannot write " + path);
}

NoOpenFiles::NoOpenFiles() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) Die("getrlimit");
  before_ = limit.rlim_cur;
  limit.rlim_cur = 0;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) Die("setrlimit");
}

NoOpenFiles::~NoOpenFiles() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = before_;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) Die("setrlimit");
}

TestTensors ParseSafetensors(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
  TestTensors tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const auto offsets = entry.at("data_offsets").get<std::vector<std::uint64_t>>();
    tensors[name] = {entry.at("dtype"), entry.at("shape"),
                     bytes.substr(8 + length + offsets[0], offsets[1] - offsets[0])};
  }
  return tensors;
}

std::string RawSafetensors(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + data;
}

std::string SafetensorsBytes(const TestTensors& tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  std::string text = header.dump();
  while (text.size() % 8 != 0) text += ' ';
  return RawSafetensors(text, data);
}

TempDirectory::TempDirectory() : path_(MakeTemporaryFolder()) {}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string GoldenDirectory(const std::string& name) {
  return absl::StrCat(HEADSCOPE_SOURCE_DIR, "/tests/golden/", name);
}

TestModel TestModel::Golden(const std::string& name) {
  TestModel model;
  const std::string directory = GoldenDirectory(name);
  model.config = nlohmann::json::parse(ReadFileOrDie(directory + "/config.json"));
  model.tensors = ParseSafetensors(ReadFileOrDie(directory + "/model.safetensors"));
  return model;
}

TestModel TestModel::Random(const nlohmann::json& config, std::uint32_t seed) {
  const auto architecture = MakeArchitecture(config.dump());
  if (!architecture.ok()) Die(std::string(architecture.status().message()));
  TestModel model;
  model.config = config;
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  for (const FileTensor& tensor : architecture->tensors) {
    if (tensor.presence == Presence::kUnread) continue;
    TestTensor& made = model.tensors[tensor.name];
    made.dtype = "F32";
    made.shape = FileShape(architecture->spec, tensor);
    std::int64_t elements = 1;
    for (const std::int64_t dimension : made.shape) elements *= dimension;
    const bool is_norm = absl::StrContains(tensor.name, "norm") || absl::StrContains(tensor.name, "ln_");
    const double scale = made.shape.size() == 1 ? 0.2 : 0.9 / std::sqrt(static_cast<double>(made.shape[1]));
    const bool around_one =
        is_norm && absl::EndsWith(tensor.name, ".weight") && !architecture->spec.norm_weight_plus_one;
    const double centre = around_one ? 1.0 : 0.0;
    std::vector<double> values;
    for (std::int64_t i = 0; i < elements; ++i) values.push_back(centre + scale * normal(random));
    made.SetValues(values);
  }
  return model;
}

std::string TestModel::Write() const {
  directories_.push_back(std::make_shared<TempDirectory>());
  const TempDirectory& directory = *directories_.back();
  WriteFileOrDie(directory.File("config.json"), config.dump());
  WriteFileOrDie(directory.File("model.safetensors"), SafetensorsBytes(tensors));
  return directory.path();
}

std::string TestModel::WriteSharded(int shards) const {
  directories_.push_back(std::make_shared<TempDirectory>());
  const TempDirectory& directory = *directories_.back();
  WriteFileOrDie(directory.File("config.json"), config.dump());
  std::vector<TestTensors> parts(shards);
  nlohmann::json weight_map;
  int next = 0;
  for (const auto& [name, tensor] : tensors) {
    const int shard = next++ % shards;
    parts[shard][name] = tensor;
    weight_map[name] = absl::StrCat("model-0000", shard + 1, "-of-0000", shards, ".safetensors");
  }
  for (int shard = 0; shard < shards; ++shard) {
    WriteFileOrDie(directory.File(absl::StrCat("model-0000", shard + 1, "-of-0000", shards, ".safetensors")),
                   SafetensorsBytes(parts[shard]));
  }
  WriteFileOrDie(directory.File("model.safetensors.index.json"),
                 nlohmann::json({{"metadata", {{"total_size", 0}}}, {"weight_map", weight_map}}).dump());
  return directory.path();
}

}  // namespace headscope::worker
