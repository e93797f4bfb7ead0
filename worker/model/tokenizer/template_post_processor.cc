#include "worker/model/tokenizer/template_post_processor.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {
namespace {

class TemplatePostProcessor : public PostProcessor {
 public:
  TemplatePostProcessor(std::vector<std::int32_t> before, std::vector<std::int32_t> after)
      : before_(std::move(before)), after_(std::move(after)) {}

  std::vector<std::int32_t> Process(std::vector<std::int32_t> ids) const override {
    ids.insert(ids.begin(), before_.begin(), before_.end());
    ids.insert(ids.end(), after_.begin(), after_.end());
    return ids;
  }

 private:
  const std::vector<std::int32_t> before_;
  const std::vector<std::int32_t> after_;
};

// Appends the ids that the template's table gives a special token.
absl::Status AppendSpecialToken(const Component& component, const Json& piece, std::vector<std::int32_t>& ids) {
  const auto name = RequireString(piece, "id", component.path + ".single.SpecialToken");
  if (!name.ok()) return name.status();
  const auto table = RequireObject(*component.json, "special_tokens", component.path);
  if (!table.ok()) return table.status();
  const std::string where = absl::StrCat(component.path, ".special_tokens[", Quoted(*name), "]");
  const Json* entry = FindField(**table, name->c_str());
  if (entry == nullptr) return Malformed(where, "is missing");
  const auto values = RequireArray(*entry, "ids", where);
  if (!values.ok()) return values.status();
  for (const Json& value : **values) {
    const auto id = ReadTokenId(value, where + ".ids");
    if (!id.ok()) return id.status();
    ids.push_back(*id);
  }
  return absl::OkStatus();
}

absl::Status NotOnce(const std::string& where) { return Malformed(where, "does not hold sequence A exactly once"); }

absl::Status CheckSequence(const std::string& where, const Json& piece, bool seen) {
  const auto name = RequireString(piece, "id", where + ".Sequence");
  if (!name.ok()) return name.status();
  return *name == "A" && !seen ? absl::OkStatus() : NotOnce(where);
}

// The id of "cls" or "sep", which is a pair of a token and its id.
absl::StatusOr<std::int32_t> ReadTokenOfPair(const Component& component, const char* key) {
  const auto pair = RequireArray(*component.json, key, component.path);
  if (!pair.ok()) return pair.status();
  const std::string where = absl::StrCat(component.path, ".", key);
  if ((*pair)->size() != 2) return Malformed(where, "is no pair of a token and its id");
  return ReadTokenId((**pair)[1], where + "[1]");
}

}  // namespace

absl::StatusOr<std::unique_ptr<const PostProcessor>> LoadTemplatePostProcessor(const Component& component) {
  const std::string where = component.path + ".single";
  const auto pieces = RequireArray(*component.json, "single", component.path);
  if (!pieces.ok()) return pieces.status();
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
  bool seen = false;
  for (const Json& piece : **pieces) {
    absl::Status status = Malformed(where, "holds neither a Sequence nor a SpecialToken");
    if (const Json* sequence = FindField(piece, "Sequence"); sequence != nullptr) {
      status = CheckSequence(where, *sequence, seen);
      seen = true;
    } else if (const Json* special = FindField(piece, "SpecialToken"); special != nullptr) {
      status = AppendSpecialToken(component, *special, seen ? after : before);
    }
    if (!status.ok()) return status;
  }
  if (!seen) return NotOnce(where);
  return std::make_unique<const TemplatePostProcessor>(std::move(before), std::move(after));
}

absl::StatusOr<std::unique_ptr<const PostProcessor>> LoadClassifierPostProcessor(const Component& component) {
  const auto first = ReadTokenOfPair(component, "cls");
  if (!first.ok()) return first.status();
  const auto last = ReadTokenOfPair(component, "sep");
  if (!last.ok()) return last.status();
  return std::make_unique<const TemplatePostProcessor>(std::vector{*first}, std::vector{*last});
}

}  // namespace headscope::worker::tokenization
