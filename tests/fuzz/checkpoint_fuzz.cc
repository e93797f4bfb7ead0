// Input: config.json, a byte 0xFF, model.safetensors: a whole model directory.
#include "tests/fuzz/fuzz_input.h"
#include "worker/model/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  static const fuzz::Folder folder;
  std::string_view rest = fuzz::TextOf(data, size);
  folder.Write("config.json", fuzz::TakePart(rest));
  folder.Write("model.safetensors", rest);
  const auto checkpoint = worker::OpenCheckpoint(folder.path(), folder.path());
  fuzz::RequireRefusal(checkpoint.status());
  if (!checkpoint.ok()) return 0;
  const worker::ModelDescription& description = checkpoint->description;
  fuzz::Require(description.weight_bytes > 0 && description.weight_bytes <= static_cast<std::int64_t>(rest.size()),
                "weights within the file");
  fuzz::Require(2 * description.parameters <= description.weight_bytes, "parameters within the weights");
  fuzz::Require(checkpoint->account.locations.size() == checkpoint->architecture.tensors.size(),
                "a place for each tensor");
  return 0;
}
