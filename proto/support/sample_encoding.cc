#include "proto/support/sample_encoding.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "proto/support/utf8.h"

namespace headscope {
namespace {

enum Kind : std::uint32_t { kPair = 1, kTokens = 2, kText = 3 };

constexpr std::string_view kMagic = "HSDS";

void PutU32(std::string& bytes, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
}

void PutString(std::string& bytes, const std::string& text) {
  PutU32(bytes, static_cast<std::uint32_t>(text.size()));
  bytes += text;
}

// Reads from the front; `ok` turns false, and stays so, when the bytes end early.
struct Reader {
  std::string_view bytes;
  bool ok = true;

  std::uint32_t U32() {
    if (bytes.size() < 4) {
      ok = false;
      return 0;
    }
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    bytes.remove_prefix(4);
    return value;
  }
  std::string String() {
    const std::uint32_t size = U32();
    if (bytes.size() < size) ok = false;
    if (!ok) return "";
    std::string text(bytes.substr(0, size));
    bytes.remove_prefix(size);
    return text;
  }
};

TokenIds ReadTokens(Reader& reader) {
  TokenIds tokens;
  tokens.prompt_tokens = reader.U32();
  const std::uint32_t count = reader.U32();
  if (reader.bytes.size() / 4 < count) reader.ok = false;
  for (std::uint32_t i = 0; reader.ok && i < count; ++i) tokens.ids.push_back(reader.U32());
  return tokens;
}

void ReadInput(Reader& reader, Sample& sample) {
  switch (reader.U32()) {
    case kPair: {
      TextPair pair;
      pair.prompt = reader.String();
      pair.response = reader.String();
      sample.input = std::move(pair);
      break;
    }
    case kTokens:
      sample.input = ReadTokens(reader);
      break;
    case kText:
      sample.input = PlainText{reader.String()};
      break;
    default:
      reader.ok = false;
  }
}

absl::Status CheckText(std::string_view field, const std::string& text) {
  if (IsUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(std::string(field), ": not valid UTF-8"));
}

absl::Status CheckInput(const TextPair& pair) {
  if (pair.response.empty()) return absl::InvalidArgumentError("response: empty, at least one character is needed");
  if (absl::Status status = CheckText("prompt", pair.prompt); !status.ok()) return status;
  return CheckText("response", pair.response);
}

absl::Status CheckInput(const PlainText& plain) {
  if (plain.text.empty()) return absl::InvalidArgumentError("text: empty, at least one character is needed");
  return CheckText("text", plain.text);
}

absl::Status CheckInput(const TokenIds& tokens) {
  if (tokens.ids.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "token_ids: ", tokens.ids.size(), " ids, at least 2 are needed (one to predict from, one to predict)"));
  }
  if (tokens.prompt_tokens >= tokens.ids.size()) {
    return absl::InvalidArgumentError(absl::StrCat("prompt_tokens: ", tokens.prompt_tokens, " of ", tokens.ids.size(),
                                                   " ids leave no response token"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string DatasetHeader() {
  std::string header(kMagic);
  PutU32(header, static_cast<std::uint32_t>(kSampleEncoding));
  return header;
}

absl::StatusOr<SampleEncoding> EncodingOf(std::string_view front) {
  if (front.substr(0, kMagic.size()) != kMagic) return SampleEncoding::kV1;
  Reader reader{front.substr(kMagic.size())};
  const std::uint32_t version = reader.U32();
  if (!reader.ok) return absl::DataLossError("dataset cut short inside its header");
  if (version == static_cast<std::uint32_t>(SampleEncoding::kV2)) return SampleEncoding::kV2;
  return absl::FailedPreconditionError(
      absl::StrCat("dataset in version ", version, " of the sample encoding, versions 1 to ",
                   static_cast<std::uint32_t>(kSampleEncoding), " are read: it needs a later release"));
}

void AppendSampleRecord(const Sample& sample, std::string& bytes) {
  std::string record;
  PutString(record, sample.id);
  if (const auto* pair = std::get_if<TextPair>(&sample.input)) {
    PutU32(record, kPair);
    PutString(record, pair->prompt);
    PutString(record, pair->response);
  } else if (const auto* tokens = std::get_if<TokenIds>(&sample.input)) {
    PutU32(record, kTokens);
    PutU32(record, tokens->prompt_tokens);
    PutU32(record, static_cast<std::uint32_t>(tokens->ids.size()));
    for (const std::uint32_t id : tokens->ids) PutU32(record, id);
  } else {
    PutU32(record, kText);
    PutString(record, std::get<PlainText>(sample.input).text);
  }
  constexpr std::uint32_t kParts = 0;
  PutU32(record, kParts);
  PutU32(bytes, static_cast<std::uint32_t>(record.size()));
  bytes += record;
}

absl::StatusOr<Sample> TakeSampleRecord(SampleEncoding encoding, std::string_view& bytes) {
  const absl::Status cut = absl::DataLossError("sample record cut short or malformed");
  Reader head{bytes};
  const std::uint32_t size = head.U32();
  if (!head.ok || head.bytes.size() < size) return cut;
  Reader reader{head.bytes.substr(0, size)};
  Sample sample;
  sample.id = reader.String();
  ReadInput(reader, sample);
  const std::uint32_t parts = encoding == SampleEncoding::kV1 ? 0 : reader.U32();
  if (reader.ok && parts > 0) {
    const std::uint32_t tag = reader.U32();
    if (!reader.ok) return cut;
    return absl::FailedPreconditionError(
        absl::StrCat("sample record with a part of tag ", tag, ", which this release does not know: a later one does"));
  }
  if (!reader.ok || !reader.bytes.empty()) return cut;
  bytes = head.bytes.substr(size);
  return sample;
}

absl::Status CheckSample(const Sample& sample) {
  if (sample.id.empty()) return absl::InvalidArgumentError("id: empty");
  if (sample.id.size() > kMaxSampleIdBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("id: ", sample.id.size(), " bytes, at most ", kMaxSampleIdBytes, " are allowed"));
  }
  if (absl::Status status = CheckText("id", sample.id); !status.ok()) return status;
  return std::visit([](const auto& input) { return CheckInput(input); }, sample.input);
}

}  // namespace headscope
