#include "server/service/tokenize_stream.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "server/service/model_catalogue.h"
#include "server/service/resource_names.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr MethodName kMethod{"headscope.v1.ModelService", "Tokenize", RpcType::kServerStream};
// Room for the tags and lengths of one token, and of the message.
constexpr std::size_t kTokenOverhead = 16;
constexpr std::size_t kRoom = kMaxBlockBytes - 1024;

// How much of `text` goes into the next message without cutting a character in two.
std::size_t CutText(std::string_view text) {
  if (text.size() <= kRoom) return text.size();
  std::size_t size = kRoom;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return size == 0 ? kRoom : size;
}

}  // namespace

std::deque<v1::TokenizeResponse> SplitAnswer(const TokenizeAnswer& answer) {
  std::deque<v1::TokenizeResponse> messages(1);
  messages.front().set_prompt_tokens(answer.prompt_tokens);
  std::size_t used = 0;
  for (std::size_t i = 0; i < answer.ids.size(); ++i) {
    const std::size_t needed = answer.tokens[i].size() + kTokenOverhead;
    if (used + needed > kRoom) {
      messages.emplace_back();
      used = 0;
    }
    messages.back().add_ids(answer.ids[i]);
    messages.back().add_tokens(answer.tokens[i]);
    used += needed;
  }
  std::string_view text = answer.text;
  if (used + text.size() > kRoom) messages.emplace_back();
  while (!text.empty()) {
    const std::size_t size = CutText(text);
    messages.back().set_text(std::string(text.substr(0, size)));
    text.remove_prefix(size);
    if (!text.empty()) messages.emplace_back();
  }
  return messages;
}

TokenizeStream::TokenizeStream(Shared& shared, const grpc::CallbackServerContext& rpc,
                               const v1::TokenizeRequest& request)
    : OutgoingStream(shared, rpc, kMethod), query_(ValidateTokenize(request)) {
  if (query_.ok()) scope_.SetResource(ModelName(query_->model));
}

void TokenizeStream::Start() {
  if (absl::Status open = shared_.CheckOpen(); !open.ok()) return End(std::move(open));
  if (!query_.ok()) return End(query_.status());
  const bool posted = shared_.context.store.Post([self = Self()](JobStore& store) { self->Ask(store); });
  if (!posted) End(DrainingError());
}

void TokenizeStream::Ask(JobStore& store) {
  if (ended()) return;
  const absl::StatusOr<CatalogueRows> rows = store.Catalogue();
  if (!rows.ok()) return End(rows.status());
  absl::Status seen = CheckAnyWorkerSeen(*rows, shared_.context.fleet.Workers());
  if (!seen.ok()) return End(std::move(seen));
  if (absl::Status status = CheckTokenizer(*rows, query_->model); !status.ok()) return End(std::move(status));
  const std::string id = shared_.context.fleet.Tokenize(
      *query_, [self = Self()](const absl::StatusOr<TokenizeAnswer>& answer) { self->Answer(answer); });
  {
    absl::MutexLock lock(&mutex_);
    text_id_ = id;
    if (!over_) return;
  }
  shared_.context.fleet.DropText(id);
}

void TokenizeStream::OnOver() {
  std::string id;
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
    id = text_id_;
  }
  if (!id.empty()) shared_.context.fleet.DropText(id);
}

void TokenizeStream::Answer(const absl::StatusOr<TokenizeAnswer>& answer) {
  if (!answer.ok()) return End(answer.status());
  if (answer->tokens.size() != answer->ids.size()) {
    return End(absl::InternalError(
        absl::StrCat("a worker answered with ", answer->ids.size(), " ids and ", answer->tokens.size(), " tokens")));
  }
  messages_ = SplitAnswer(*answer);
  OnWritten();
}

void TokenizeStream::OnWritten() {
  if (messages_.empty()) return End(absl::OkStatus());
  v1::TokenizeResponse message = std::move(messages_.front());
  messages_.pop_front();
  Write(std::move(message));
}

}  // namespace headscope::server
