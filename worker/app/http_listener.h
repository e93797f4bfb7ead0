// A small HTTP/1.1 listener for a few read-only pages.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/support/flags.h"

namespace headscope::worker {

struct HttpResponse {
  // 200, 404, ...
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

struct HttpListenerOptions {
  HostPort address = {};
  std::size_t max_connections = 32;
  // Of a request's head; there is no body.
  std::size_t max_request_bytes = 8192;
  // From accepting a connection to closing it.
  absl::Duration connection_limit = absl::Seconds(10);
};

// One thread answers GET and HEAD, one request a connection; slow clients hold up nobody and are cut off. (The Exposer
// of prometheus-cpp cannot start in a process with LibTorch: its threads' stacks are smaller than LibTorch's
// thread-local storage.) Thread-safe.
class HttpListener {
 public:
  // The page of a path without its query. Called on the listener's thread.
  using Handler = std::function<HttpResponse(const std::string& path)>;

  // Binds and starts. UNAVAILABLE when the address cannot be had, and why.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(HttpListenerOptions options, Handler handler);
  // Closes every connection.
  ~HttpListener();

  // With the real port.
  const HostPort& address() const;

 private:
  class Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::worker
