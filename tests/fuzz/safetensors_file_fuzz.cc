// Input: a whole safetensors file. What opens is read, tensor by tensor.
#include <memory>

#include "tests/fuzz/fuzz_input.h"
#include "worker/model/safetensors_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  static const fuzz::Folder folder;
  static const auto directory = worker::ModelDirectory::Open(folder.path(), folder.path());
  fuzz::Require(directory.ok(), "the target's own folder");
  folder.Write("model.safetensors", fuzz::TextOf(data, size));
  const auto file = worker::SafetensorsFile::Open(*directory, "model.safetensors");
  fuzz::RequireRefusal(file.status());
  if (!file.ok()) return 0;
  std::size_t total = 0;
  for (const auto& [name, tensor] : file->header()) {
    const auto bytes = static_cast<std::size_t>(tensor.end - tensor.begin);
    total += bytes;
    fuzz::Require(total <= size, "tensors within the file");
    const auto content = std::make_unique<char[]>(bytes);
    fuzz::Require(file->Read(tensor, content.get()).ok(), "a tensor of a whole file can be read");
  }
  fuzz::Require(file->file().CheckSize().ok(), "an unchanged file has kept its size");
  return 0;
}
