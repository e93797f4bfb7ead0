#include "worker/app/http_message.h"

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

}  // namespace

bool IsCompleteRequest(std::string_view received) {
  return received.find("\r\n\r\n") != std::string_view::npos || received.find("\n\n") != std::string_view::npos;
}

std::string FormatResponse(const HttpResponse& response, bool with_body) {
  std::string text =
      absl::StrCat("HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
                   "\r\nContent-Type: ", response.content_type, "\r\nContent-Length: ", response.body.size(), "\r\n");
  if (response.status == 405) absl::StrAppend(&text, "Allow: GET, HEAD\r\n");
  absl::StrAppend(&text, "Connection: close\r\n\r\n");
  if (with_body) text += response.body;
  return text;
}

std::string AnswerRequest(std::string_view request, const HttpListener::Handler& handler) {
  const std::string_view line = request.substr(0, request.find_first_of("\r\n"));
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || line.substr(last + 1, 5) != "HTTP/") {
    return FormatResponse({.status = 400, .body = "not an HTTP request\n"}, true);
  }
  const std::string_view method = line.substr(0, first);
  std::string_view path = line.substr(first + 1, last - first - 1);
  path = path.substr(0, path.find('?'));
  if (method != "GET" && method != "HEAD") {
    return FormatResponse({.status = 405, .body = "only GET and HEAD are answered\n"}, true);
  }
  return FormatResponse(handler(std::string(path)), method == "GET");
}

}  // namespace headscope::worker
