#include "server/jobs/recorded_tokens.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace headscope::server {
namespace {

std::uint64_t Sum(const std::vector<std::uint32_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

absl::Status CheckStrings(const RecordedTokens& recorded) {
  const std::vector<std::uint32_t>& lengths = recorded.string_lengths;
  if (!lengths.empty() && lengths.size() != recorded.ids.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(recorded.ids.size(), " recorded tokens have ", lengths.size(), " strings"));
  }
  const auto longest = std::max_element(lengths.begin(), lengths.end());
  if (longest != lengths.end() && *longest > kMaxTokenStringBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a token's string has ", *longest, " bytes, at most ", kMaxTokenStringBytes, " are recorded"));
  }
  if (Sum(lengths) != recorded.strings.size() || recorded.strings.size() > std::numeric_limits<std::uint32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("the strings of ", recorded.ids.size(), " recorded tokens have ",
                                                   recorded.strings.size(), " bytes, their lengths say ",
                                                   Sum(lengths)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRecordedTokens(const RecordedTokens& recorded, const std::vector<std::uint32_t>& tokens,
                                 const std::vector<std::uint32_t>& response_tokens) {
  if (recorded.ids.size() != Sum(tokens) || recorded.response_mask.size() != recorded.ids.size()) {
    return absl::InvalidArgumentError(absl::StrCat(recorded.ids.size(), " recorded token ids with a response mask of ",
                                                   recorded.response_mask.size(), ", the samples have ", Sum(tokens),
                                                   " tokens"));
  }
  auto mask = recorded.response_mask.begin();
  for (std::size_t sample = 0; sample < tokens.size(); ++sample) {
    const auto end = mask + static_cast<std::ptrdiff_t>(tokens[sample]);
    const auto supervised = static_cast<std::uint64_t>(std::count(mask, end, 1));
    if (supervised != response_tokens[sample] ||
        supervised + static_cast<std::uint64_t>(std::count(mask, end, 0)) != tokens[sample]) {
      return absl::InvalidArgumentError(absl::StrCat("a response mask marks ", supervised, " of ", tokens[sample],
                                                     " tokens, ", response_tokens[sample], " are supervised"));
    }
    mask = end;
  }
  return CheckStrings(recorded);
}

void AppendRecordedTokens(const RecordedTokens& recorded, std::string& bytes) {
  AppendU32(static_cast<std::uint32_t>(recorded.ids.size()), bytes);
  AppendU32(static_cast<std::uint32_t>(recorded.string_lengths.size()), bytes);
  AppendU32(static_cast<std::uint32_t>(recorded.strings.size()), bytes);
  AppendArray(recorded.ids, bytes);
  AppendArray(recorded.response_mask, bytes);
  AppendArray(recorded.string_lengths, bytes);
  bytes += recorded.strings;
}

RecordedTokens TakeRecordedTokens(ByteParser& parser) {
  const std::uint32_t tokens = parser.TakeU32();
  const std::uint32_t strings = parser.TakeU32();
  const std::uint32_t string_bytes = parser.TakeU32();
  RecordedTokens recorded;
  recorded.ids = parser.TakeArray<std::uint32_t>(tokens);
  recorded.response_mask = parser.TakeArray<std::uint8_t>(tokens);
  recorded.string_lengths = parser.TakeArray<std::uint32_t>(strings);
  recorded.strings = std::string(parser.Take(string_bytes));
  return recorded;
}

}  // namespace headscope::server
