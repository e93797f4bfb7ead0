// Input: files of a tokenizer without tokenizer.json, in the order of kNames, and a text, a byte 0xFF between them. A
// file that is empty is not there.
#include <array>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/tokenizer_use.h"

namespace {

constexpr std::array<const char*, 6> kNames = {"vocab.json",        "merges.txt",  "tokenizer_config.json",
                                               "added_tokens.json", "config.json", "special_tokens_map.json"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  std::string_view rest = fuzz::TextOf(data, size);
  std::map<std::string, std::string> files;
  for (const char* name : kNames) files[name] = fuzz::TakePart(rest);
  const worker::FileReader read = [&](const std::string& name) -> absl::StatusOr<std::string> {
    const auto file = files.find(name);
    if (file == files.end() || file->second.empty()) return absl::NotFoundError(absl::StrCat("no ", name));
    return file->second;
  };
  const auto tokenizer = worker::Tokenizer::Read(read);
  fuzz::RequireRefusal(tokenizer.status());
  if (!tokenizer.ok()) return 0;
  fuzz::UseTokenizer(**tokenizer, rest);
  fuzz::RequireRefusal(worker::FindEndOfSequence(read, **tokenizer).status());
  return 0;
}
