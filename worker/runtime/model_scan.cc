#include "worker/runtime/model_scan.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "proto/support/model_order.h"
#include "proto/support/utf8.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;

bool IsBeneath(const fs::path& path, const fs::path& root) {
  const fs::path relative = path.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

bool IsUsableName(const std::string& name) {
  return name.size() <= kMaxModelNameBytes && IsUtf8(name) &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; });
}

class Scanner {
 public:
  Scanner(const std::string& root, const ScanLimits& limits) : root_(root), limits_(limits) {}

  ScanResult Run() {
    std::error_code error;
    if (fs::exists(root_ / "config.json", error)) {
      Note(
          "the model root itself holds a config.json; models are the directories beneath it, so name its parent as "
          "root");
    }
    Enter(root_, "", 0);
    std::sort(result_.models.begin(), result_.models.end(), ListedBefore);
    return std::move(result_);
  }

 private:
  void Note(std::string text) {
    constexpr std::size_t kMaxNotes = 100;
    if (result_.notes.size() < kMaxNotes) result_.notes.push_back(std::move(text));
  }

  // `directory` is canonical, `name` its path as found.
  void Enter(const fs::path& directory, const std::string& name, int depth) {
    if (++directories_ > limits_.max_directories) {
      if (directories_ == limits_.max_directories + 1) {
        Note(absl::StrCat("more than ", limits_.max_directories, " directories: the others are not searched"));
      }
      return;
    }
    ancestors_.push_back(directory);
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      Visit(*it, name, depth);
    }
    if (error) Note(absl::StrCat("\"", name, "\" cannot be searched: ", error.message()));
    ancestors_.pop_back();
  }

  void Visit(const fs::directory_entry& entry, const std::string& parent, int depth) {
    std::error_code error;
    const std::string leaf = entry.path().filename().string();
    if (leaf.front() == '.' || !entry.is_directory(error)) return;
    const std::string name = parent.empty() ? leaf : absl::StrCat(parent, "/", leaf);
    const fs::path canonical = fs::canonical(entry.path(), error);
    if (error || !IsBeneath(canonical, root_)) {
      Note(absl::StrCat("\"", name, "\" leads out of the model root and is ignored"));
      return;
    }
    if (std::find(ancestors_.begin(), ancestors_.end(), canonical) != ancestors_.end()) return;
    AddIfModel(canonical, name);
    if (depth + 1 < limits_.max_depth) Enter(canonical, name, depth + 1);
  }

  void AddIfModel(const fs::path& directory, const std::string& name) {
    std::error_code error;
    if (!fs::exists(directory / "config.json", error) && !fs::exists(directory / "adapter_config.json", error)) return;
    if (!IsUsableName(name)) {
      Note("a model directory is ignored: its path is not UTF-8 text of at most 512 bytes without control characters");
    } else if (result_.models.size() >= limits_.max_models) {
      Note(absl::StrCat("more than ", limits_.max_models, " models: \"", name, "\" is ignored"));
    } else {
      result_.models.push_back(name);
    }
  }

  const fs::path root_;
  const ScanLimits limits_;
  std::size_t directories_ = 0;
  std::vector<fs::path> ancestors_;
  ScanResult result_;
};

}  // namespace

ScanResult FindModels(const std::string& root, const ScanLimits& limits) { return Scanner(root, limits).Run(); }

}  // namespace headscope::worker
