#include "worker/runtime/tokenizer_components.h"

#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

namespace headscope::worker {
namespace {

using nlohmann::json;

// A type's name is a word; what is longer is somebody's text.
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxSteps = 32;
constexpr int kMaxDepth = 3;

// Steps of a Sequence, wherever it keeps them.
const json* StepsOf(const json& component) {
  for (const char* key : {"normalizers", "pretokenizers", "processors", "decoders"}) {
    const auto found = component.find(key);
    if (found != component.end() && found->is_array()) return &*found;
  }
  return nullptr;
}

std::string TypeOf(const json& component, int depth = 0) {
  if (!component.is_object() || depth > kMaxDepth) return "";
  const auto type = component.find("type");
  if (type == component.end() || !type->is_string()) return "";
  std::string name = type->get<std::string>();
  name.resize(std::min(name.size(), kMaxNameBytes));
  const json* steps = StepsOf(component);
  if (steps == nullptr) return name;
  std::string names;
  for (std::size_t step = 0; step < std::min(steps->size(), kMaxSteps); ++step) {
    names += (step == 0 ? "" : ", ") + TypeOf((*steps)[step], depth + 1);
  }
  return name + "(" + names + ")";
}

// Leaves the vocabulary out: it is nearly all of the file.
bool IsWanted(int /*depth*/, json::parse_event_t event, json& parsed) {
  constexpr std::array<const char*, 3> kLong = {"vocab", "merges", "added_tokens"};
  if (event != json::parse_event_t::key || !parsed.is_string()) return true;
  return std::find(kLong.begin(), kLong.end(), parsed.get_ref<const std::string&>()) == kLong.end();
}

}  // namespace

TokenizerComponents ReadTokenizerComponents(std::string_view text) {
  const json file = json::parse(text, IsWanted, /*allow_exceptions=*/false);
  TokenizerComponents components;
  if (!file.is_object()) return components;
  const auto type_of = [&](const char* key) { return file.contains(key) ? TypeOf(file[key]) : std::string(); };
  components.normalizer = type_of("normalizer");
  components.pre_tokenizer = type_of("pre_tokenizer");
  components.model = type_of("model");
  components.post_processor = type_of("post_processor");
  components.decoder = type_of("decoder");
  return components;
}

}  // namespace headscope::worker
