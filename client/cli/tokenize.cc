// headscope tokenize: text through a model's tokenizer.
#include <istream>
#include <iterator>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/text_table.h"
#include "proto/support/limits.h"
#include "proto/support/utf8.h"

namespace headscope::cli {
namespace {

absl::StatusOr<client::TokenizeRequest> ReadRequest(Session& session, const Arguments& arguments) {
  client::TokenizeRequest request;
  request.model = arguments.positionals()[0];
  request.text = arguments.positionals()[1];
  if (request.text == "-") {
    std::istream& in = *session.environment().in;
    request.text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  request.response = arguments.Get("response");
  const auto special = arguments.Boolean("special");
  if (!special.ok()) return special.status();
  request.special_tokens = *special;
  if (!IsUtf8(request.text)) return absl::InvalidArgumentError("standard input is not valid UTF-8");
  const std::size_t bytes = request.text.size() + request.response.value_or("").size();
  if (bytes > kMaxTokenizeBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the text has ", bytes, " bytes, at most ", kMaxTokenizeBytes, " are allowed"));
  }
  return request;
}

void Print(Session& session, const client::Tokens& tokens) {
  if (session.format == Format::kJson) {
    session.out() << Text({{"ids", tokens.ids},
                           {"tokens", tokens.tokens},
                           {"text", tokens.text},
                           {"prompt_tokens", tokens.prompt_tokens}});
    return;
  }
  TextTable table({"position", "id", "token", "part"});
  for (std::size_t position = 0; position < tokens.ids.size(); ++position) {
    table.AddRow({absl::StrCat(position), absl::StrCat(tokens.ids[position]),
                  position < tokens.tokens.size() ? tokens.tokens[position] : "",
                  position < tokens.prompt_tokens ? "prompt" : "response"});
  }
  if (session.format == Format::kCsv) {
    table.PrintCsv(session.out());
  } else {
    table.PrintAligned(session.out());
  }
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto request = ReadRequest(session, arguments);
  if (!request.ok()) return request.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto tokens = (*client)->Tokenize(*request, session.Hooks());
  if (absl::IsCancelled(tokens.status()) && session.interrupted()) {
    session.err() << "headscope: stopped\n";
    return kDetached;
  }
  if (!tokens.ok()) return tokens.status();
  Print(session, *tokens);
  return kDone;
}

}  // namespace

const Command& TokenizeCommand() {
  static const Command command = {
      "tokenize",
      "NAME TEXT",
      2,
      2,
      "tokenise text with a model's tokenizer",
      "Prints the token ids of a text, their vocabulary strings and, with --response, where the prompt ends. Both are "
      "then read as a sample: a prompt with its own beginning of sequence gets no second one. TEXT - reads standard "
      "input; a TEXT that starts with a dash comes after --.",
      {{"response", "R", "text that follows, tokenised without special tokens"},
       {"special", "true|false", "add the tokenizer's special tokens (default true)"}},
      {"tokenize demo 'Hello world'", "tokenize demo '2 + 2 =' --response ' 4' --format json",
       "tokenize demo - < a.txt"},
      Run};
  return command;
}

}  // namespace headscope::cli
