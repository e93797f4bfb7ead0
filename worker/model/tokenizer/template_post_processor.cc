#include "worker/model/tokenizer/template_post_processor.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {
namespace {

constexpr char kWhere[] = "post_processor";

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
absl::Status AppendSpecialToken(const Json& component, const Json& piece, std::vector<std::int32_t>& ids) {
  const auto name = RequireString(piece, "id", "post_processor.single.SpecialToken");
  if (!name.ok()) return name.status();
  const auto table = RequireObject(component, "special_tokens", kWhere);
  if (!table.ok()) return table.status();
  const std::string where = absl::StrCat("post_processor.special_tokens[", Quoted(*name), "]");
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

absl::Status CheckSequence(const Json& piece, bool seen) {
  const auto name = RequireString(piece, "id", "post_processor.single.Sequence");
  if (!name.ok()) return name.status();
  if (*name != "A" || seen) return Malformed("post_processor.single", "does not hold sequence A exactly once");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const PostProcessor>> LoadTemplatePostProcessor(const Json& component) {
  const auto pieces = RequireArray(component, "single", kWhere);
  if (!pieces.ok()) return pieces.status();
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
  bool seen = false;
  for (const Json& piece : **pieces) {
    absl::Status status = Malformed("post_processor.single", "holds neither a Sequence nor a SpecialToken");
    if (const Json* sequence = FindField(piece, "Sequence"); sequence != nullptr) {
      status = CheckSequence(*sequence, seen);
      seen = true;
    } else if (const Json* special = FindField(piece, "SpecialToken"); special != nullptr) {
      status = AppendSpecialToken(component, *special, seen ? after : before);
    }
    if (!status.ok()) return status;
  }
  if (!seen) return Malformed("post_processor.single", "does not hold sequence A exactly once");
  return std::make_unique<const TemplatePostProcessor>(std::move(before), std::move(after));
}

}  // namespace headscope::worker::tokenization
