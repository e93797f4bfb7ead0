#include "worker/app/http_listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "worker/app/http_message.h"

namespace headscope::worker {
namespace {

absl::Status BindError(const HostPort& address, const char* what) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address.ToString(), ": ", what));
}

// A listening socket, or why there is none.
absl::StatusOr<int> Bind(const HostPort& address) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int looked_up = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (looked_up != 0) return BindError(address, ::gai_strerror(looked_up));
  int error = EADDRNOTAVAIL;
  int result = -1;
  for (const addrinfo* item = found; item != nullptr && result < 0; item = item->ai_next) {
    const int descriptor = ::socket(item->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (descriptor >= 0 && ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        ::bind(descriptor, item->ai_addr, item->ai_addrlen) == 0 && ::listen(descriptor, SOMAXCONN) == 0) {
      result = descriptor;
    } else {
      error = errno;
      if (descriptor >= 0) ::close(descriptor);
    }
  }
  ::freeaddrinfo(found);
  if (result < 0) return BindError(address, std::strerror(error));
  return result;
}

std::uint16_t PortOf(int descriptor) {
  sockaddr_storage bound = {};
  socklen_t length = sizeof(bound);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &length) != 0) return 0;
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

}  // namespace

class HttpListener::Impl {
 public:
  Impl(int listener, HttpListenerOptions options, Handler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        listener_(listener),
        stop_(::eventfd(0, EFD_CLOEXEC)) {
    options_.address.port = PortOf(listener_);
    thread_ = std::thread([this] { Loop(); });
  }

  ~Impl() {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof(one));
    thread_.join();
    for (const Connection& connection : connections_) ::close(connection.descriptor);
    ::close(listener_);
    ::close(stop_);
  }

  const HostPort& address() const { return options_.address; }

 private:
  struct Connection {
    int descriptor = -1;
    absl::Time deadline = {};
    std::string received = {};
    // Not empty once the request is answered.
    std::string answer = {};
    std::size_t sent = 0;
    bool closed = false;
  };

  void Loop() {
    pthread_setname_np(pthread_self(), "http");
    while (true) {
      const bool room = connections_.size() < options_.max_connections;
      std::vector<pollfd> polled = {{stop_, POLLIN, 0}, {room ? listener_ : -1, POLLIN, 0}};
      absl::Time next = absl::InfiniteFuture();
      for (const Connection& connection : connections_) {
        const short events = connection.answer.empty() ? POLLIN : POLLOUT;
        polled.push_back({connection.descriptor, events, 0});
        next = std::min(next, connection.deadline);
      }
      (void)::poll(polled.data(), polled.size(), TimeoutUntil(next));
      if (polled[0].revents != 0) return;
      for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (polled[i + 2].revents != 0) Advance(connections_[i]);
        if (absl::Now() >= connections_[i].deadline) connections_[i].closed = true;
      }
      Sweep();
      if (polled[1].revents != 0) Accept();
    }
  }

  // Milliseconds for poll; -1: for ever.
  static int TimeoutUntil(absl::Time time) {
    if (time == absl::InfiniteFuture()) return -1;
    return static_cast<int>(std::clamp<std::int64_t>(absl::ToInt64Milliseconds(time - absl::Now()) + 1, 0, 60'000));
  }

  void Accept() {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    connections_.push_back({.descriptor = descriptor, .deadline = absl::Now() + options_.connection_limit});
  }

  void Sweep() {
    for (const Connection& connection : connections_) {
      if (connection.closed) ::close(connection.descriptor);
    }
    std::erase_if(connections_, [](const Connection& connection) { return connection.closed; });
  }

  void Advance(Connection& connection) {
    if (connection.answer.empty()) Receive(connection);
    if (!connection.answer.empty()) Send(connection);
  }

  void Receive(Connection& connection) {
    char buffer[4096];
    const ssize_t got = ::recv(connection.descriptor, buffer, sizeof(buffer), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      connection.closed = true;
      return;
    }
    connection.received.append(buffer, static_cast<std::size_t>(got));
    if (connection.received.size() > options_.max_request_bytes) {
      connection.answer = FormatResponse({.status = 431, .body = "the request is too large\n"}, true);
    } else if (IsCompleteRequest(connection.received)) {
      connection.answer = AnswerRequest(connection.received, handler_);
    }
  }

  static void Send(Connection& connection) {
    const ssize_t sent = ::send(connection.descriptor, connection.answer.data() + connection.sent,
                                connection.answer.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent > 0) connection.sent += static_cast<std::size_t>(sent);
    if (sent <= 0 || connection.sent == connection.answer.size()) connection.closed = true;
  }

  HttpListenerOptions options_;
  const Handler handler_;
  const int listener_;
  const int stop_;
  // Of the thread.
  std::vector<Connection> connections_;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(HttpListenerOptions options, Handler handler) {
  const absl::StatusOr<int> listener = Bind(options.address);
  if (!listener.ok()) return listener.status();
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::make_unique<Impl>(*listener, std::move(options), std::move(handler))));
}

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpListener::~HttpListener() = default;

const HostPort& HttpListener::address() const { return impl_->address(); }

}  // namespace headscope::worker
