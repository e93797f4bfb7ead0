// HTTP requests and responses as text.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "worker/app/http_listener.h"

namespace headscope::worker {

// Whether `received` holds a whole request head.
bool IsCompleteRequest(std::string_view received);

// The bytes that answer the request head `request`: the handler's page for GET and HEAD, an error for anything else.
std::string AnswerRequest(std::string_view request, const HttpListener::Handler& handler);

// The bytes of `response`, which closes the connection. `with_body` is false for HEAD.
std::string FormatResponse(const HttpResponse& response, bool with_body);

}  // namespace headscope::worker
