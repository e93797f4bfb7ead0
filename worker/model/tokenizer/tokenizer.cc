#include "worker/model/tokenizer/tokenizer.h"

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/pipeline.h"

namespace headscope::worker {
namespace {

constexpr char kFileName[] = "tokenizer.json";

absl::Status InFile(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(kFileName, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::Load(const std::string& directory) {
  const auto text = tokenization::ReadTextFile(absl::StrCat(directory, "/", kFileName));
  if (!text.ok()) return text.status();
  return Parse(*text);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::Parse(std::string_view json) {
  const auto object = tokenization::ParseObject(json);
  if (!object.ok()) return InFile(object.status());
  auto tokenizer = tokenization::Pipeline::Create(*object);
  if (!tokenizer.ok()) return InFile(tokenizer.status());
  return tokenizer;
}

}  // namespace headscope::worker
