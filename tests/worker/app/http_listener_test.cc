#include "worker/app/http_listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace headscope::worker {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A connection to the listener, from the other side.
class Client {
 public:
  explicit Client(const HostPort& address) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit = {30, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  ~Client() { ::close(descriptor_); }

  void Send(const std::string& text) { (void)!::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL); }
  // Everything until the other side closes.
  std::string Receive() {
    std::string received;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(descriptor_, buffer, sizeof(buffer), 0)) > 0;) received.append(buffer, got);
    return received;
  }

 private:
  const int descriptor_;
};

class HttpListenerTest : public testing::Test {
 protected:
  void Start(HttpListenerOptions options = {}) {
    options.address = {.host = "127.0.0.1", .port = 0};
    auto listener = HttpListener::Start(options, [](const std::string& path) -> HttpResponse {
      if (path == "/big") return {.body = std::string(1 << 20, 'x')};
      if (path == "/page") return {.body = "words\n"};
      return {.status = 404, .body = "nothing here\n"};
    });
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  std::string Ask(const std::string& request) {
    Client client(listener_->address());
    client.Send(request);
    return client.Receive();
  }

  std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerTest, AnswersGetWithThePage) {
  Start();
  EXPECT_NE(listener_->address().port, 0);
  const std::string answer = Ask("GET /page?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nwords\n"));
}

TEST_F(HttpListenerTest, AnswersHeadWithoutTheBody) {
  Start();
  const std::string answer = Ask("HEAD /page HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("words")));
}

TEST_F(HttpListenerTest, RefusesWhatItDoesNotDo) {
  Start();
  EXPECT_THAT(Ask("GET /other HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("POST /page HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpListenerTest, BoundsTheRequest) {
  Start({.max_request_bytes = 1000});
  EXPECT_THAT(Ask("GET /" + std::string(2000, 'a')), StartsWith("HTTP/1.1 431"));
}

TEST_F(HttpListenerTest, SendsLargePagesWhole) {
  Start();
  EXPECT_THAT(Ask("GET /big HTTP/1.1\r\n\r\n").size(), testing::Gt(std::size_t{1} << 20));
}

TEST_F(HttpListenerTest, TakesRequestsInPieces) {
  Start();
  Client client(listener_->address());
  for (const char* piece : {"GET /pa", "ge HTTP/1.1\r", "\n\r", "\n"}) client.Send(piece);
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, IsNotHeldUpBySilentClients) {
  Start();
  Client silent(listener_->address());
  silent.Send("GET /pa");
  EXPECT_THAT(Ask("GET /page HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, CutsSilentClientsOff) {
  Start({.connection_limit = absl::Milliseconds(20)});
  Client silent(listener_->address());
  silent.Send("GET /pa");
  EXPECT_EQ(silent.Receive(), "");
}

TEST_F(HttpListenerTest, LetsClientsWaitWhenThereAreTooMany) {
  Start({.max_connections = 2, .connection_limit = absl::Milliseconds(50)});
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 4; ++i) silent.push_back(std::make_unique<Client>(listener_->address()));
  EXPECT_THAT(Ask("GET /page HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, SaysWhenThePortIsTaken) {
  Start();
  const auto second =
      HttpListener::Start({.address = listener_->address()}, [](const std::string&) { return HttpResponse(); });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(listener_->address().ToString()));
}

}  // namespace
}  // namespace headscope::worker
