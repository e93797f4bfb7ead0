#include "worker/model/tensor_accounting.h"

#include <algorithm>
#include <array>
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

// One account, step by step. Canonical names carry the architecture's prefix.
class Accountant {
 public:
  Accountant(const Architecture& architecture, const std::map<std::string, TensorLocation>& stored)
      : architecture_(architecture), stored_(stored) {
    for (const FileTensor& tensor : architecture.tensors) expected_[tensor.name] = &tensor;
  }

  absl::StatusOr<Account> Run() {
    for (const auto& [name, location] : stored_) {
      const absl::Status status = Recognise(name);
      if (!status.ok()) return status;
    }
    Account account;
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
  absl::Status Error(const std::string& text) const {
    return absl::FailedPreconditionError(absl::StrCat("model_type ", architecture_.spec.family, ": ", text));
  }

  bool IsKnown(const std::string& canonical) const {
    if (expected_.contains(canonical)) return true;
    return std::any_of(architecture_.ignored.begin(), architecture_.ignored.end(),
                       [&](const std::string& pattern) { return MatchesPattern(pattern, canonical); });
  }

  // Finds out what the stored `name` is, and with it whether this checkpoint writes the prefix.
  absl::Status Recognise(const std::string& name) {
    const std::string with_prefix = architecture_.prefix + name;
    const bool known = IsKnown(name);
    if (!known && !IsKnown(with_prefix)) {
      return Error(
          absl::StrCat("tensor \"", name, "\" in the weight files is neither expected nor known to be ignorable"));
    }
    const std::string& canonical = known ? name : with_prefix;
    if (absl::StartsWith(canonical, architecture_.prefix)) {
      std::string& example = known ? prefixed_example_ : bare_example_;
      if (example.empty()) example = name;
      if (!prefixed_example_.empty() && !bare_example_.empty()) {
        return Error(absl::StrCat("tensors \"", prefixed_example_, "\" and \"", bare_example_,
                                  "\" stand with and without the prefix \"", architecture_.prefix,
                                  "\" in one checkpoint"));
      }
    }
    canonical_[canonical] = name;
    return absl::OkStatus();
  }

  absl::StatusOr<TensorLocation> Locate(const FileTensor& tensor) const {
    const auto found = canonical_.find(tensor.name);
    if (found == canonical_.end()) {
      if (tensor.presence != Presence::kRequired) return TensorLocation{};
      return Error(absl::StrCat("tensor \"", tensor.name, "\" (", SlotName(tensor.placements.front().slot),
                                ") is not in the weight files"));
    }
    const TensorLocation& location = stored_.at(found->second);
    const std::vector<std::int64_t> wanted = FileShape(architecture_.spec, tensor);
    if (location.tensor->shape != wanted) {
      return Error(absl::StrCat("tensor \"", found->second, "\" must have shape ", ShapeText(wanted),
                                " by config.json, found ", ShapeText(location.tensor->shape)));
    }
    if (std::find(kFloats.begin(), kFloats.end(), location.tensor->dtype) == kFloats.end()) {
      return Error(absl::StrCat("tensor \"", found->second, "\" has dtype ", location.tensor->dtype, ", supported are ",
                                absl::StrJoin(kFloats, ", ")));
    }
    return location;
  }

  const Architecture& architecture_;
  const std::map<std::string, TensorLocation>& stored_;
  std::map<std::string, const FileTensor*> expected_;
  std::map<std::string, std::string> canonical_;  // -> stored name
  std::string prefixed_example_, bare_example_;
};

}  // namespace

absl::StatusOr<Account> AccountForTensors(const Architecture& architecture,
                                          const std::map<std::string, TensorLocation>& stored) {
  return Accountant(architecture, stored).Run();
}

}  // namespace headscope::worker
