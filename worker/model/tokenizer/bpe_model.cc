#include "worker/model/tokenizer/bpe_model.h"

#include <algorithm>
#include <cstddef>
#include <queue>
#include <tuple>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_format.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {

// One word while it is merged: its symbols as a doubly linked list in an array (a symbol keeps the place of its first
// character), and a heap of the pairs that may merge. An entry goes stale when one of its symbols has changed since; it
// is recognised, when it comes up, by its pair no longer giving the same token.
class BpeModel::Word {
 public:
  explicit Word(const BpeModel& model) : model_(model) {}

  void Append(std::int32_t id) {
    const auto place = static_cast<std::int32_t>(symbols_.size());
    if (place > 0) symbols_.back().next = place;
    symbols_.push_back({.id = id, .previous = place - 1, .next = kNone});
  }

  void Merge() {
    for (std::size_t place = 0; place + 1 < symbols_.size(); ++place) Propose(static_cast<std::int32_t>(place));
    while (!candidates_.empty()) {
      const Candidate candidate = candidates_.top();
      candidates_.pop();
      if (!IsStale(candidate)) Join(candidate);
    }
  }

  void AppendIds(std::vector<std::int32_t>& ids) const {
    for (std::int32_t place = symbols_.empty() ? kNone : 0; place != kNone; place = symbols_[place].next) {
      ids.push_back(symbols_[place].id);
    }
  }

 private:
  static constexpr std::int32_t kNone = -1;

  struct Symbol {
    // kNone once it has been joined to the symbol on its left.
    std::int32_t id = kNone;
    std::int32_t previous = kNone;
    std::int32_t next = kNone;
  };
  struct Candidate {
    std::uint32_t rank = 0;
    std::int32_t place = 0;
    std::int32_t merged = 0;
    // For a max-heap: the lowest rank comes first, the leftmost of those.
    bool operator<(const Candidate& other) const { return std::tie(rank, place) > std::tie(other.rank, other.place); }
  };

  // Puts the pair of the symbol at `place` and its right neighbour on the heap, if it merges.
  void Propose(std::int32_t place) {
    const std::int32_t next = symbols_[place].next;
    if (next == kNone) return;
    const Rule* rule = model_.FindRule(symbols_[place].id, symbols_[next].id);
    if (rule != nullptr) candidates_.push({.rank = rule->rank, .place = place, .merged = rule->merged});
  }

  bool IsStale(const Candidate& candidate) const {
    const Symbol& left = symbols_[candidate.place];
    if (left.id == kNone || left.next == kNone) return true;
    const Rule* rule = model_.FindRule(left.id, symbols_[left.next].id);
    return rule == nullptr || rule->merged != candidate.merged;
  }

  void Join(const Candidate& candidate) {
    Symbol& left = symbols_[candidate.place];
    Symbol& right = symbols_[left.next];
    left.id = candidate.merged;
    left.next = right.next;
    right.id = kNone;
    if (left.next != kNone) symbols_[left.next].previous = candidate.place;
    if (left.previous != kNone) Propose(left.previous);
    Propose(candidate.place);
  }

  const BpeModel& model_;
  absl::InlinedVector<Symbol, 32> symbols_;
  std::priority_queue<Candidate> candidates_;
};

BpeModel::BpeModel(Vocabulary vocabulary, const std::vector<Merge>& merges, Options options)
    : vocabulary_(std::move(vocabulary)), options_(options) {
  rules_.reserve(merges.size());
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    rules_[{merge.left, merge.right}] = {.rank = static_cast<std::uint32_t>(rank), .merged = merge.merged};
  }
  if (!options_.byte_fallback) return;
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    byte_tokens_[byte] = vocabulary_.FindId(absl::StrFormat("<0x%02X>", byte));
  }
}

const BpeModel::Rule* BpeModel::FindRule(std::int32_t left, std::int32_t right) const {
  const auto found = rules_.find(std::make_pair(left, right));
  return found == rules_.end() ? nullptr : &found->second;
}

bool BpeModel::AppendBytes(std::string_view character, Word& word) const {
  const auto token = [this](char byte) { return byte_tokens_[static_cast<std::uint8_t>(byte)]; };
  if (!std::all_of(character.begin(), character.end(), [&](char byte) { return token(byte).has_value(); }))
    return false;
  for (const char byte : character) word.Append(*token(byte));
  return true;
}

void BpeModel::AppendCharacters(std::string_view text, Word& word) const {
  // An unknown token is put down only when the next known one comes, so that a run of them can be one. Tokens of bytes
  // do not count as known there: the reference library puts an unknown token behind them.
  bool unknown_due = false;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::string_view character = text.substr(offset, ReadUtf8(text, offset).size);
    offset += character.size();
    if (const auto id = vocabulary_.FindId(character); id.has_value()) {
      if (unknown_due) word.Append(*options_.unknown);
      unknown_due = false;
      word.Append(*id);
    } else if (!AppendBytes(character, word) && options_.unknown.has_value()) {
      if (unknown_due && !options_.fuse_unknown) word.Append(*options_.unknown);
      unknown_due = true;
    }
  }
  if (unknown_due) word.Append(*options_.unknown);
}

void BpeModel::Tokenize(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (options_.ignore_merges) {
    if (const std::optional<std::int32_t> id = vocabulary_.FindId(word); id.has_value()) {
      ids.push_back(*id);
      return;
    }
  }
  Word symbols(*this);
  AppendCharacters(word, symbols);
  symbols.Merge();
  symbols.AppendIds(ids);
}

}  // namespace headscope::worker::tokenization
