// Input: a model.safetensors.index.json beside two shards: a.safetensors with x and y, b.safetensors with z.
#include <cstring>

#include "tests/fuzz/fuzz_input.h"
#include "worker/model/weight_files.h"

namespace {

std::string Shard(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + std::string(data_bytes, '\0');
}

headscope::worker::ModelDirectory MakeDirectory(const headscope::fuzz::Folder& folder) {
  folder.Write("a.safetensors", Shard(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                      R"("y":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}})",
                                      8));
  folder.Write("b.safetensors", Shard(R"({"z":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4));
  auto directory = headscope::worker::ModelDirectory::Open(folder.path(), folder.path());
  headscope::fuzz::Require(directory.ok(), "the target's own folder");
  return *std::move(directory);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  static const fuzz::Folder folder;
  static const worker::ModelDirectory directory = MakeDirectory(folder);
  folder.Write("model.safetensors.index.json", fuzz::TextOf(data, size));
  const auto files = worker::WeightFiles::Open(directory);
  fuzz::RequireRefusal(files.status());
  if (!files.ok()) return 0;
  fuzz::Require(!files->tensors().empty(), "an index that opens names tensors");
  for (const auto& [name, location] : files->tensors()) {
    const auto found = location.file->header().find(name);
    fuzz::Require(found != location.file->header().end() && &found->second == location.tensor,
                  "a tensor stands where the index says");
  }
  return 0;
}
