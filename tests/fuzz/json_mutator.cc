// How libFuzzer changes inputs that are JSON up to the first byte 0xFF: mostly value by value, so that they stay JSON.
#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/fuzz/fuzz_input.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace headscope::fuzz {
namespace {

using Json = nlohmann::json;
using Random = std::minstd_rand;

constexpr int kMaxDepth = 24;

std::size_t Below(Random& random, std::size_t count) { return random() % count; }

void Collect(Json& value, std::vector<Json*>& values) {
  values.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& part : value) Collect(part, values);
}

// Bytes changed in libFuzzer's own ways, the dictionary's words among them.
std::string MutateBytes(std::string text) {
  const std::size_t size = text.size();
  text.resize(size + 32);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
  return text;
}

Json MakeScalar(Random& random) {
  static const std::vector<Json> scalars = {0,
                                            1,
                                            2,
                                            3,
                                            -1,
                                            4096,
                                            65536,
                                            1 << 24,
                                            std::int64_t{1} << 31,
                                            INT64_MAX,
                                            UINT64_MAX,
                                            INT64_MIN,
                                            0.5,
                                            1e-40,
                                            1e-6,
                                            1.5,
                                            1e38,
                                            1e300,
                                            true,
                                            false,
                                            nullptr,
                                            "",
                                            "x",
                                            "\u2581",
                                            "F32",
                                            "BF16",
                                            Json::array(),
                                            Json::object()};
  return scalars[Below(random, scalars.size())];
}

void ChangeObject(Json& object, const Json& other, Random& random) {
  std::string key = object.empty() ? "" : std::next(object.begin(), Below(random, object.size())).key();
  switch (random() % 3) {
    case 0:
      object.erase(key);
      break;
    case 1:
      object[MutateBytes("")] = MakeScalar(random);
      break;
    default:
      object[MutateBytes(std::move(key))] = other;
  }
}

void ChangeArray(Json& array, const Json& other, Random& random) {
  if (!array.empty() && random() % 2 == 0) {
    array.erase(Below(random, array.size()));
  } else {
    array.insert(array.begin() + static_cast<std::ptrdiff_t>(Below(random, array.size() + 1)), other);
  }
}

void Change(Json& document, Random& random) {
  std::vector<Json*> values;
  Collect(document, values);
  Json& value = *values[Below(random, values.size())];
  const Json other = *values[Below(random, values.size())];
  if (random() % 4 == 0) {
    value = random() % 2 == 0 ? other : MakeScalar(random);
  } else if (value.is_object()) {
    ChangeObject(value, other, random);
  } else if (value.is_array()) {
    ChangeArray(value, other, random);
  } else if (value.is_string()) {
    value = MutateBytes(value.get<std::string>());
  } else {
    value = MakeScalar(random);
  }
}

// Empty where `text` is no JSON.
std::string MutateJson(std::string_view text, Random& random) {
  const auto is_shallow = [](int depth, Json::parse_event_t, Json&) { return depth < kMaxDepth; };
  Json document = Json::parse(text.begin(), text.end(), is_shallow, /*allow_exceptions=*/false);
  if (document.is_discarded()) return "";
  for (std::size_t changes = 1 + Below(random, 3); changes > 0; --changes) Change(document, random);
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace
}  // namespace headscope::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  using namespace headscope::fuzz;
  Random random(seed);
  std::string_view rest = TextOf(data, size);
  const std::string_view json = TakePart(rest);
  std::string changed = random() % 4 == 0 ? "" : MutateJson(json, random);
  if (changed.empty()) return LLVMFuzzerMutate(data, size, max_size);
  changed.append(reinterpret_cast<const char*>(data) + json.size(), size - json.size());
  const std::size_t changed_size = std::min(changed.size(), max_size);
  std::memcpy(data, changed.data(), changed_size);
  return changed_size;
}
