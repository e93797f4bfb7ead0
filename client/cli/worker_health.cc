#include "client/cli/worker_health.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace headscope::cli {
namespace {

struct Addresses {
  ~Addresses() {
    if (list != nullptr) freeaddrinfo(list);
  }
  addrinfo* list = nullptr;
};

// A connected socket; closed at the end.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool Open(const addrinfo& address, absl::Duration timeout) {
    const timeval limit = absl::ToTimeval(timeout);
    return fd_ >= 0 && setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
           setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
           connect(fd_, address.ai_addr, address.ai_addrlen) == 0;
  }
  // The first bytes of the answer, at most 256.
  std::string Ask(const std::string& request) {
    if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return "";
    std::string answer(256, '\0');
    const ssize_t size = recv(fd_, answer.data(), answer.size(), 0);
    answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return answer;
  }

 private:
  const int fd_;
};

}  // namespace

absl::Status CheckWorkerHealth(const std::string& address, absl::Duration timeout) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--worker: wanted HOST:PORT, found \"", address, "\""));
  }
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  Addresses addresses;
  const int fault =
      getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints, &addresses.list);
  if (fault != 0) return absl::UnavailableError(absl::StrCat("worker ", address, ": ", gai_strerror(fault)));
  for (const addrinfo* candidate = addresses.list; candidate != nullptr; candidate = candidate->ai_next) {
    Connection connection(socket(candidate->ai_family, candidate->ai_socktype, candidate->ai_protocol));
    if (!connection.Open(*candidate, timeout)) continue;
    const std::string answer = connection.Ask("GET /healthz HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
    if (answer.rfind("HTTP/1.1 200", 0) == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("worker ", address, " answered \"", answer.substr(0, answer.find('\r')), "\", wanted 200 OK"));
  }
  return absl::UnavailableError(
      absl::StrCat("worker ", address, " is not reachable; is it running with --metrics-listen?"));
}

}  // namespace headscope::cli
