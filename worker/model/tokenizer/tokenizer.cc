#include "worker/model/tokenizer/tokenizer.h"

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/legacy_files.h"
#include "worker/model/tokenizer/pipeline.h"

namespace headscope::worker {
namespace {

constexpr char kFileName[] = "tokenizer.json";
constexpr char kLegacyFileNames[] = "vocab.json and merges.txt";

absl::Status InFile(const char* name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(name, ": ", status.message()));
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Assemble(const char* name, const tokenization::Json& object) {
  auto tokenizer = tokenization::Pipeline::Create(object);
  if (!tokenizer.ok()) return InFile(name, tokenizer.status());
  return tokenizer;
}

}  // namespace

FileReader FilesIn(const std::string& directory) {
  return
      [directory](const std::string& name) { return tokenization::ReadTextFile(absl::StrCat(directory, "/", name)); };
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::Read(const FileReader& read) {
  const auto text = read(kFileName);
  if (text.ok()) return Parse(*text);
  if (!absl::IsNotFound(text.status())) return text.status();
  const auto object = tokenization::ReadLegacyFiles(read);
  if (absl::IsNotFound(object.status())) return text.status();
  if (!object.ok()) return object.status();
  return Assemble(kLegacyFileNames, *object);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::Load(const std::string& directory) {
  return Read(FilesIn(directory));
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::Parse(std::string_view json) {
  const auto object = tokenization::ParseObject(json);
  if (!object.ok()) return InFile(kFileName, object.status());
  return Assemble(kFileName, *object);
}

}  // namespace headscope::worker
