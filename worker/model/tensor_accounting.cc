#include "worker/model/tensor_accounting.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace headscope::worker {
namespace {

constexpr std::array<const char*, 4> kFloats = {"F64", "F32", "F16", "BF16"};

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// One account, step by step. An architecture's own names are canonical; `stored` ones are spelled in one of its ways.
class Accountant {
 public:
  Accountant(const Architecture& architecture, const std::map<std::string, TensorLocation>& stored)
      : architecture_(architecture), stored_(stored), possible_(SpellingsOf(architecture)) {
    for (const FileTensor& tensor : architecture.tensors) expected_.insert(tensor.name);
  }

  absl::StatusOr<Account> Run() {
    Account account;
    std::int64_t skipped = 0;
    for (const auto& [name, location] : stored_) {
      if (Matches(architecture_.skipped, name)) {
        ++skipped;
        continue;
      }
      const absl::Status status = Recognise(name);
      if (!status.ok()) return status;
    }
    if (skipped > 0) account.notes.push_back(absl::StrCat(skipped, " tensors beside the language model are not read"));
    for (const FileTensor& tensor : architecture_.tensors) {
      absl::StatusOr<TensorLocation> location = Locate(tensor);
      if (!location.ok()) return location.status();
      account.locations.push_back(*location);
      if (tensor.presence == Presence::kUnread && location->tensor != nullptr) {
        account.notes.push_back(tensor.name + " is there but not read: the head is tied to the embedding");
      }
    }
    return account;
  }

 private:
  static bool Matches(const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return MatchesPattern(pattern, name); });
  }

  absl::Status Error(const std::string& text) const {
    return absl::FailedPreconditionError(absl::StrCat("model_type ", architecture_.spec.family, ": ", text));
  }

  bool IsKnown(const std::string& canonical) const {
    return expected_.contains(canonical) || Matches(architecture_.ignored, canonical);
  }

  // Whether `name` is one of the architecture's in this spelling.
  bool IsSpelled(const NameSpelling& spelling, const std::string& name) const {
    const std::vector<std::string> names = CanonicalNames(architecture_, spelling, name);
    return std::any_of(names.begin(), names.end(), [&](const std::string& canonical) { return IsKnown(canonical); });
  }

  std::string Spelled(const std::string& canonical) const {
    const NameSpelling& spelling = possible_.front();
    if (!absl::StartsWith(canonical, architecture_.prefix)) return spelling.outer + canonical;
    return spelling.prefix + canonical.substr(architecture_.prefix.size());
  }

  // Finds out what the stored `name` is, and with it which spellings this checkpoint may have.
  absl::Status Recognise(const std::string& name) {
    const auto in_spelling = [&](const NameSpelling& spelling) { return IsSpelled(spelling, name); };
    const std::vector<NameSpelling> all = SpellingsOf(architecture_);
    if (std::none_of(all.begin(), all.end(), in_spelling)) {
      return Error(
          absl::StrCat("tensor \"", name, "\" in the weight files is neither expected nor known to be ignorable"));
    }
    std::vector<NameSpelling> left;
    std::copy_if(possible_.begin(), possible_.end(), std::back_inserter(left), in_spelling);
    if (left.empty()) {
      std::vector<std::string> prefixes;
      for (const NameSpelling& spelling : all) {
        if (!spelling.prefix.empty()) prefixes.push_back(absl::StrCat("\"", spelling.prefix, "\""));
      }
      return Error(absl::StrCat("tensors \"", example_, "\" and \"", name, "\" differ in their prefix, which is ",
                                absl::StrJoin(prefixes, " or "), " or none for all of one checkpoint"));
    }
    if (left.size() < possible_.size()) example_ = name;
    possible_ = std::move(left);
    return absl::OkStatus();
  }

  absl::StatusOr<TensorLocation> Locate(const FileTensor& tensor) const {
    const auto found = stored_.find(Spelled(tensor.name));
    if (found == stored_.end()) {
      if (tensor.presence != Presence::kRequired) return TensorLocation{};
      return Error(absl::StrCat("tensor \"", Spelled(tensor.name), "\" (", SlotName(tensor.placements.front().slot),
                                ") is not in the weight files"));
    }
    const TensorLocation& location = found->second;
    const std::vector<std::int64_t> wanted = FileShape(architecture_.spec, tensor);
    const absl::Status fault = CheckStored(found->first, *location.tensor, wanted, "config.json");
    return fault.ok() ? absl::StatusOr<TensorLocation>(location) : Error(std::string(fault.message()));
  }

  const Architecture& architecture_;
  const std::map<std::string, TensorLocation>& stored_;
  std::set<std::string> expected_;
  // Spellings of all names so far, and the name that last ruled one out.
  std::vector<NameSpelling> possible_;
  std::string example_;
};

}  // namespace

absl::Status CheckStored(const std::string& name, const StoredTensor& tensor, const std::vector<std::int64_t>& shape,
                         const std::string& by) {
  if (tensor.shape != shape) {
    return absl::FailedPreconditionError(absl::StrCat("tensor \"", name, "\" must have shape ", ShapeText(shape),
                                                      " by ", by, ", found ", ShapeText(tensor.shape)));
  }
  if (std::find(kFloats.begin(), kFloats.end(), tensor.dtype) != kFloats.end()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("tensor \"", name, "\" has dtype ", tensor.dtype, ", supported are ", absl::StrJoin(kFloats, ", ")));
}

absl::StatusOr<Account> AccountForTensors(const Architecture& architecture,
                                          const std::map<std::string, TensorLocation>& stored) {
  return Accountant(architecture, stored).Run();
}

}  // namespace headscope::worker
