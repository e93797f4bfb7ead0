#include "worker/tools/trainer/task.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kLetters = 26;
constexpr std::uint64_t kHeldOutShare = 8;
constexpr std::int64_t kVainDraws = 1'000'000;
// Of a seed's random streams, 0 is a training's own, those from 1 on are held-out examples', those from here on
// others'.
constexpr std::uint64_t kTrainingStreams = 1'000;

std::string RandomLetters(std::int64_t count, Random& random) {
  std::string letters;
  for (std::int64_t i = 0; i < count; ++i) letters += static_cast<char>('a' + random.Between(0, kLetters - 1));
  return letters;
}

std::string Reversed(const std::string& text) { return {text.rbegin(), text.rend()}; }

std::string Sorted(std::string text) {
  std::sort(text.begin(), text.end());
  return text;
}

Example Add(Random& random) {
  const std::int64_t left = random.Between(0, 99);
  const std::int64_t right = random.Between(0, 99);
  return {absl::StrCat("add: ", left, "+", right, " ->"), absl::StrCat(left + right)};
}

Example Copy(Random& random) {
  const std::string letters = RandomLetters(random.Between(4, 12), random);
  return {absl::StrCat("copy: ", letters, " ->"), letters};
}

Example Lookup(Random& random) {
  const std::int64_t pairs = random.Between(3, 6);
  std::string keys;
  while (static_cast<std::int64_t>(keys.size()) < pairs) {
    const std::string key = RandomLetters(1, random);
    if (keys.find(key) == std::string::npos) keys += key;
  }
  const std::int64_t asked = random.Between(0, pairs - 1);
  std::string prompt = "lookup:";
  std::string response;
  for (std::int64_t i = 0; i < pairs; ++i) {
    const std::int64_t value = random.Between(0, 9);
    absl::StrAppend(&prompt, " ", keys.substr(i, 1), "=", value);
    if (i == asked) response = absl::StrCat(value);
  }
  return {absl::StrCat(prompt, " ; ", keys.substr(asked, 1), " ->"), response};
}

Example Reverse(Random& random) {
  const std::string letters = RandomLetters(random.Between(3, 8), random);
  return {absl::StrCat("reverse: ", letters, " ->"), Reversed(letters)};
}

Example Sort(Random& random) {
  const std::string letters = RandomLetters(random.Between(3, 8), random);
  return {absl::StrCat("sort: ", letters, " ->"), Sorted(letters)};
}

Example AddThenReverse(Random& random) {
  const Example sum = Add(random);
  return {"add-then-reverse" + sum.prompt.substr(3), Reversed(sum.response)};
}

Example CopyAndReverse(Random& random) {
  const std::string letters = RandomLetters(random.Between(3, 8), random);
  return {absl::StrCat("copy-and-reverse: ", letters, " ->"), absl::StrCat(letters, " ", Reversed(letters))};
}

Example CopyAndSort(Random& random) {
  const std::string letters = RandomLetters(random.Between(3, 8), random);
  return {absl::StrCat("copy-and-sort: ", letters, " ->"), absl::StrCat(letters, " ", Sorted(letters))};
}

Example SortThenReverse(Random& random) {
  const std::string letters = RandomLetters(random.Between(3, 8), random);
  return {absl::StrCat("sort-then-reverse: ", letters, " ->"), Reversed(Sorted(letters))};
}

using Generator = Example (*)(Random&);
// The basic ones first. A task's place chooses its stream of held-out examples: new ones go to the end.
constexpr std::array<std::pair<std::string_view, Generator>, 9> kTasks = {{{"add", Add},
                                                                           {"copy", Copy},
                                                                           {"lookup", Lookup},
                                                                           {"reverse", Reverse},
                                                                           {"sort", Sort},
                                                                           {"add-then-reverse", AddThenReverse},
                                                                           {"copy-and-reverse", CopyAndReverse},
                                                                           {"copy-and-sort", CopyAndSort},
                                                                           {"sort-then-reverse", SortThenReverse}}};
constexpr std::size_t kBasicTasks = 5;

std::size_t IndexOf(std::string_view task) {
  const auto found =
      std::find_if(kTasks.begin(), kTasks.end(), [task](const auto& known) { return known.first == task; });
  return static_cast<std::size_t>(found - kTasks.begin());
}

std::vector<std::string> NamesBetween(std::size_t first, std::size_t last) {
  std::vector<std::string> names;
  for (std::size_t i = first; i < last; ++i) names.emplace_back(kTasks[i].first);
  return names;
}

// FNV-1a of the prompt.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

std::vector<Example> DifferentExamples(Generator generator, Random random, std::int64_t count, bool held_out) {
  std::set<std::string> prompts;
  std::vector<Example> examples;
  std::int64_t vain = 0;
  while (static_cast<std::int64_t>(examples.size()) < count && vain < kVainDraws) {
    Example example = generator(random);
    ++vain;
    if (IsHeldOut(example) != held_out || !prompts.insert(example.prompt).second) continue;
    examples.push_back(std::move(example));
    vain = 0;
  }
  return examples;
}

}  // namespace

std::vector<std::string> TaskNames() { return NamesBetween(0, kBasicTasks); }

std::vector<std::string> ComposedTaskNames() { return NamesBetween(kBasicTasks, kTasks.size()); }

absl::StatusOr<std::vector<std::string>> ParseTasks(std::string_view text) {
  std::vector<std::string> tasks;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(std::string(text), ','))) {
    if (name == "mix" || name == "composed") {
      for (const std::string& known : name == "mix" ? TaskNames() : ComposedTaskNames()) tasks.push_back(known);
    } else if (IndexOf(name) < kTasks.size()) {
      tasks.push_back(name);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("unknown task '", name, "'; known: mix, ",
                                                     absl::StrJoin(TaskNames(), ", "), "; composed, ",
                                                     absl::StrJoin(ComposedTaskNames(), ", ")));
    }
  }
  return tasks;
}

bool IsHeldOut(const Example& example) {
  // The low bits of FNV-1a are its weakest.
  return (Hash(example.prompt) >> 32) % kHeldOutShare == 0;
}

Example TrainingExample(std::string_view task, Random& random) {
  const Generator generator = kTasks.at(IndexOf(task)).second;
  Example example = generator(random);
  while (IsHeldOut(example)) example = generator(random);
  return example;
}

std::vector<Example> HeldOutExamples(std::string_view task, std::uint64_t seed, std::int64_t count) {
  const std::size_t index = IndexOf(task);
  return DifferentExamples(kTasks.at(index).second, Random(seed, index + 1), count, true);
}

std::vector<Example> TrainingExamples(std::string_view task, std::uint64_t seed, std::int64_t count) {
  const std::size_t index = IndexOf(task);
  return DifferentExamples(kTasks.at(index).second, Random(seed, kTrainingStreams + index), count, false);
}

}  // namespace headscope::worker
