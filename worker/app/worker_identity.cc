#include "worker/app/worker_identity.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"

namespace headscope::worker {
namespace {

constexpr std::size_t kMaxHostName = 64;
constexpr int kMaxWorkersPerRoot = 256;

std::string HostName() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0) return "worker";
  std::string host = std::string(name).substr(0, kMaxHostName);
  std::replace_if(
      host.begin(), host.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '.'; }, '-');
  return host.empty() ? "worker" : host;
}

// A socket bound to that abstract name, or -1 when somebody holds it.
int BindName(const std::string& id) {
  const std::string name = "headscope-worker/" + id;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (name.size() + 1 > sizeof(address.sun_path)) return -1;
  // A leading zero byte: no file, and gone with the process.
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), length) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

}  // namespace

WorkerIdentity WorkerIdentity::Claim(const std::string& model_root) {
  constexpr std::size_t kDigits = 8;
  const std::string base = absl::StrCat(HostName(), "-", ToHex(Sha256Of(model_root)).substr(0, kDigits));
  for (int number = 1; number <= kMaxWorkersPerRoot; ++number) {
    const std::string id = number == 1 ? base : absl::StrCat(base, "-", number);
    const int descriptor = BindName(id);
    if (descriptor >= 0) return WorkerIdentity(id, descriptor);
  }
  return WorkerIdentity(absl::StrCat(base, "-", ::getpid()), -1);
}

WorkerIdentity::~WorkerIdentity() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

WorkerIdentity::WorkerIdentity(WorkerIdentity&& other) noexcept
    : id_(std::move(other.id_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace headscope::worker
