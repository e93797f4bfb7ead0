#include "tests/fuzz/fuzz_input.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/fakes/temporary_directory.h"

namespace headscope::fuzz {
namespace {

constexpr char kSeparator = '\xFF';
constexpr std::size_t kMaxMessageBytes = 8192;

}  // namespace

std::string_view TextOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::string_view TakePart(std::string_view& rest) {
  const std::size_t end = rest.find(kSeparator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

void Require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void RequireRefusal(const absl::Status& status) {
  if (status.ok()) return;
  Require(!absl::IsInternal(status) && !absl::IsUnknown(status), status.ToString());
  Require(!status.message().empty(), "a refusal without a reason");
  Require(status.message().size() <= kMaxMessageBytes, "a refusal of more than 8192 bytes");
}

Folder::Folder() : path_(MakeTemporaryFolder(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp")) {}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::Write(std::string_view name, std::string_view content) const {
  std::ofstream file(path_ + "/" + std::string(name), std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  Require(file.flush().good(), "the target's own file cannot be written");
}

}  // namespace headscope::fuzz
