#include "client/headscope/row_parser.h"

#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/utf8.h"

namespace headscope::client {
namespace {

using Json = nlohmann::json;

// What a value is, in the words of the format.
std::string Describe(const Json& value) {
  if (value.is_number_float()) return absl::StrCat("the number ", value.dump());
  if (value.is_number()) return absl::StrCat("the integer ", value.dump());
  if (value.is_null()) return "null";
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return absl::StrCat(value.is_array() ? "an " : value.is_object() ? "an " : "a ", value.type_name());
}

// Text of a row for a message, cut where it is long.
std::string Shortened(std::string_view text) {
  constexpr std::size_t kMaxBytes = 300;
  if (text.size() <= kMaxBytes) return std::string(text);
  const std::string_view cut = text.substr(0, kMaxBytes);
  return std::string(cut.substr(0, ValidUtf8Prefix(cut))) + "...";
}

// The library's message without its own prefix and line number, which is always 1 here.
std::string ParseFault(const Json::exception& error) {
  std::string text = error.what();
  if (const auto prefix = text.find("] "); prefix != std::string::npos) text = text.substr(prefix + 2);
  if (const auto column = text.find("column "); column != std::string::npos) text = text.substr(column);
  // It quotes what was read last, which may be most of the row.
  return absl::StrCat("not valid JSON: ", Shortened(text));
}

// The row's value, unless its text is not JSON or its object has a key twice: the library would keep the last.
std::optional<Json> ParseJson(const std::string& text, std::vector<std::string>& faults) {
  // The library takes a NUL byte for the end of its input.
  if (const auto nul = text.find('\0'); nul != std::string::npos) {
    faults.push_back(absl::StrCat("not valid JSON: column ", nul + 1, ": a NUL byte"));
    return std::nullopt;
  }
  std::set<std::string> keys;
  const auto see = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (event != Json::parse_event_t::key || depth != 1) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!keys.insert(key).second && faults.empty()) faults.push_back(absl::StrCat(Shortened(key), ": given twice"));
    return true;
  };
  // The library reports what it cannot take only by an exception (a number beyond every double is no parse_error); it
  // ends here.
  try {
    Json value = Json::parse(text, see);
    return faults.empty() ? std::optional(std::move(value)) : std::nullopt;
  } catch (const Json::exception& error) {
    faults = {ParseFault(error)};
    return std::nullopt;
  }
}

// Reads members of one row and collects what is wrong with them.
class RowFields {
 public:
  RowFields(const Json& object, std::vector<std::string>& faults) : object_(object), faults_(faults) {}

  std::string Text(const std::string& key) {
    const Json* value = Find(key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    faults_.push_back(absl::StrCat(key, ": wanted a string, found ", Describe(*value)));
    return "";
  }

  std::uint32_t Count(const std::string& key) {
    const Json* value = Find(key);
    return value == nullptr ? 0 : ToU32(*value, key);
  }

  std::vector<std::uint32_t> Ids(const std::string& key) {
    std::vector<std::uint32_t> ids;
    const Json* value = Find(key);
    if (value == nullptr) return ids;
    if (!value->is_array()) {
      faults_.push_back(absl::StrCat(key, ": wanted an array of integers, found ", Describe(*value)));
      return ids;
    }
    ids.reserve(value->size());
    for (std::size_t i = 0; i < value->size(); ++i) {
      const std::size_t faults = faults_.size();
      ids.push_back(ToU32((*value)[i], absl::StrCat(key, "[", i, "]")));
      // One bad id is enough to find the cause in a row of thousands.
      if (faults_.size() > faults) break;
    }
    return ids;
  }

 private:
  const Json* Find(const std::string& key) {
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    faults_.push_back(absl::StrCat(key, ": missing"));
    return nullptr;
  }

  std::uint32_t ToU32(const Json& value, const std::string& field) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
    if (value.is_number_unsigned() && value.get<std::uint64_t>() <= kMax) return value.get<std::uint32_t>();
    faults_.push_back(absl::StrCat(field, ": wanted an integer from 0 to ", kMax, ", found ", Describe(value)));
    return 0;
  }

  const Json& object_;
  std::vector<std::string>& faults_;
};

// The row's kind by its keys; a fault when there is none or more than one.
std::optional<RowKind> KindOf(const Json& object, std::vector<std::string>& faults) {
  std::vector<RowKind> kinds;
  if (object.contains("prompt") || object.contains("response")) kinds.push_back(RowKind::kPair);
  if (object.contains("token_ids") || object.contains("prompt_tokens")) kinds.push_back(RowKind::kTokens);
  if (object.contains("text")) kinds.push_back(RowKind::kText);
  if (kinds.size() == 1) return kinds.front();
  if (kinds.empty() && object.contains("messages")) {
    faults.push_back(
        "messages: chat rows are not rendered here; apply the model's chat template (in Python: "
        "tokenizer.apply_chat_template(messages, tokenize=False)) and send the text before the answer as prompt and "
        "the "
        "answer as response; a beginning-of-sequence token that the template writes is not doubled");
    return std::nullopt;
  }
  if (kinds.empty()) {
    faults.push_back("none of the keys prompt and response, token_ids and prompt_tokens, or text");
    return std::nullopt;
  }
  const auto name = [](std::string* out, RowKind kind) { out->append(NameOf(kind)); };
  faults.push_back(absl::StrCat("keys of ", kinds.size(), " kinds in one row: ", absl::StrJoin(kinds, ", ", name)));
  return std::nullopt;
}

void ReadId(const Json& object, ParsedRow& row) {
  const auto id = object.find("id");
  if (id == object.end()) return;
  if (id->is_string()) {
    row.sample.id = id->get<std::string>();
  } else if (id->is_number_integer()) {
    row.sample.id = id->dump();
  } else {
    row.faults.push_back(absl::StrCat("id: wanted a string, found ", Describe(*id)));
    return;
  }
  row.has_id = true;
}

void ReadInput(const Json& object, ParsedRow& row) {
  RowFields fields(object, row.faults);
  switch (*row.kind) {
    case RowKind::kPair: {
      TextPair pair;
      pair.prompt = fields.Text("prompt");
      pair.response = fields.Text("response");
      row.sample.input = std::move(pair);
      break;
    }
    case RowKind::kTokens: {
      TokenIds tokens;
      tokens.ids = fields.Ids("token_ids");
      tokens.prompt_tokens = fields.Count("prompt_tokens");
      row.sample.input = std::move(tokens);
      break;
    }
    case RowKind::kText:
      row.sample.input = PlainText{fields.Text("text")};
      break;
  }
}

// What no key alone shows: empty responses, ranges, sizes.
void CheckWhole(ParsedRow& row) {
  if (const absl::Status status = CheckSample(row.sample); !status.ok()) {
    row.faults.emplace_back(status.message());
    return;
  }
  std::string record;
  AppendSampleRecord(row.sample, record);
  if (record.size() > kMaxSampleBytes) {
    row.faults.push_back(
        absl::StrCat("a sample of ", record.size(), " bytes, at most ", kMaxSampleBytes, " are allowed"));
  }
}

}  // namespace

std::string NameOf(RowKind kind) {
  switch (kind) {
    case RowKind::kPair:
      return "prompt/response";
    case RowKind::kTokens:
      return "token_ids/prompt_tokens";
    case RowKind::kText:
      return "text";
  }
  return "";
}

ParsedRow ParseRow(const std::string& text, std::uint64_t line) {
  ParsedRow row;
  const std::optional<Json> object = ParseJson(text, row.faults);
  if (!object) return row;
  if (!object->is_object()) {
    row.faults.push_back(absl::StrCat("wanted a JSON object, found ", Describe(*object)));
    return row;
  }
  row.sample.id = std::to_string(line);
  ReadId(*object, row);
  row.kind = KindOf(*object, row.faults);
  if (row.kind) ReadInput(*object, row);
  if (row.faults.empty()) CheckWhole(row);
  return row;
}

}  // namespace headscope::client
