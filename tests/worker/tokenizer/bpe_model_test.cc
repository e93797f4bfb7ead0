#include "worker/model/tokenizer/bpe_model.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker::tokenization {
namespace {

using ::testing::ElementsAre;

// Letters a to d, then `count` tokens each joining two earlier ones (drawn with `random`), in order of rank.
struct RandomModel {
  Vocabulary vocabulary;
  std::vector<BpeModel::Merge> merges;
};

RandomModel DrawModel(std::mt19937& random, int count) {
  RandomModel model;
  std::vector<std::string> tokens;
  const auto add = [&](const std::string& token) {
    if (!model.vocabulary.Add(token, static_cast<std::int32_t>(tokens.size())).ok()) return false;
    tokens.push_back(token);
    return true;
  };
  for (const char* letter : {"a", "b", "c", "d"}) add(letter);
  while (static_cast<int>(model.merges.size()) < count) {
    const auto left = static_cast<std::int32_t>(random() % tokens.size());
    const auto right = static_cast<std::int32_t>(random() % tokens.size());
    const std::string joined = tokens[left] + tokens[right];
    if (!model.vocabulary.FindId(joined).has_value()) add(joined);
    model.merges.push_back({.left = left, .right = right, .merged = *model.vocabulary.FindId(joined)});
  }
  return model;
}

// The definition, word for word: find the pair of the lowest rank, the leftmost of those, join it, begin again.
std::vector<std::int32_t> MergeByDefinition(const RandomModel& model, const std::string& word) {
  std::vector<std::int32_t> ids;
  for (const char letter : word) ids.push_back(letter - 'a');
  while (true) {
    std::size_t best_rank = model.merges.size();
    std::size_t best_place = 0;
    for (std::size_t place = 0; place + 1 < ids.size(); ++place) {
      // A pair that comes twice has its last rank.
      for (std::size_t rank = model.merges.size(); rank-- > 0;) {
        if (model.merges[rank].left != ids[place] || model.merges[rank].right != ids[place + 1]) continue;
        if (rank < best_rank) {
          best_rank = rank;
          best_place = place;
        }
        break;
      }
    }
    if (best_rank == model.merges.size()) return ids;
    ids[best_place] = model.merges[best_rank].merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best_place) + 1);
  }
}

TEST(BpeModelTest, AgreesWithTheDefinitionOnRandomModels) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const RandomModel drawn = DrawModel(random, 1 + static_cast<int>(random() % 30));
    const BpeModel model(drawn.vocabulary, drawn.merges, {});
    for (int repeat = 0; repeat < 10; ++repeat) {
      std::string word;
      for (std::size_t length = random() % 60; length > 0; --length) word.push_back("abcd"[random() % 4]);
      std::vector<std::int32_t> ids;
      model.Tokenize(word, ids);
      ASSERT_EQ(ids, MergeByDefinition(drawn, word)) << word;
    }
  }
}

TEST(BpeModelTest, AppendsToTheIdsItIsGiven) {
  Vocabulary vocabulary;
  ASSERT_TRUE(vocabulary.Add("a", 4).ok());
  const BpeModel model(std::move(vocabulary), {}, {});
  std::vector<std::int32_t> ids = {9};
  model.Tokenize("aa", ids);
  EXPECT_THAT(ids, ElementsAre(9, 4, 4));
}

}  // namespace
}  // namespace headscope::worker::tokenization
