#include "proto/support/wire/sample_codec.h"

#include "absl/status/status.h"

namespace headscope {

absl::StatusOr<Sample> FromProto(const v1::Sample& proto) {
  Sample sample;
  sample.id = proto.id();
  switch (proto.input().kind_case()) {
    case v1::Input::kPair:
      sample.input = TextPair{proto.input().pair().prompt(), proto.input().pair().response()};
      return sample;
    case v1::Input::kTokens: {
      const v1::TokenIds& tokens = proto.input().tokens();
      sample.input = TokenIds{{tokens.ids().begin(), tokens.ids().end()}, tokens.prompt_tokens()};
      return sample;
    }
    case v1::Input::kText:
      sample.input = PlainText{proto.input().text()};
      return sample;
    case v1::Input::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("input: absent; give a pair, tokens or text");
}

v1::Sample ToProto(const Sample& sample) {
  v1::Sample proto;
  proto.set_id(sample.id);
  v1::Input& input = *proto.mutable_input();
  if (const auto* pair = std::get_if<TextPair>(&sample.input)) {
    input.mutable_pair()->set_prompt(pair->prompt);
    input.mutable_pair()->set_response(pair->response);
  } else if (const auto* tokens = std::get_if<TokenIds>(&sample.input)) {
    input.mutable_tokens()->mutable_ids()->Assign(tokens->ids.begin(), tokens->ids.end());
    input.mutable_tokens()->set_prompt_tokens(tokens->prompt_tokens);
  } else {
    input.set_text(std::get<PlainText>(sample.input).text);
  }
  return proto;
}

}  // namespace headscope
