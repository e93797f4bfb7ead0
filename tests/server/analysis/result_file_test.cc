#include "server/analysis/result_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "proto/support/sample_encoding.h"
#include "server/jobs/scores.h"
#include "tests/server/analysis/memory_blob_store.h"

namespace headscope::server {
namespace {

using Json = nlohmann::json;

// Samples 1, 2 | 4 of a dataset of six, in two shards of 2 layers x 3 heads.
class ResultFileTest : public testing::Test {
 protected:
  ResultFileTest() {
    std::string dataset = DatasetHeader();
    for (int i = 0; i < 6; ++i) {
      Sample sample{"id \"" + std::to_string(i) + "\"\n", PlainText{std::string(i == 3 ? 300'000 : 10, 'x')}};
      AppendSampleRecord(sample, dataset);
    }
    blobs_.Put("dataset", dataset);
    blobs_.Put("a", EncodeScores(Block({1, 2})));
    blobs_.Put("b", EncodeScores(Block({4})));
  }

  static ScoreBlock Block(const std::vector<std::uint32_t>& samples) {
    ScoreBlock block;
    block.samples = samples;
    block.layers = 2;
    block.heads = 3;
    for (const std::uint32_t sample : samples) {
      block.tokens.push_back(100 + sample);
      block.response_tokens.push_back(10 + sample);
      block.objective.push_back(sample + 0.5);
      for (int i = 0; i < 6; ++i) {
        block.planes["up"].push_back(sample * 10 + i);
        block.planes["down"].push_back(-1.0f * sample);
      }
    }
    return block;
  }

  // The same shards with their tokens: sample s has the ids s, s + 1, ..., all but the first two supervised, and every
  // id's string is itself in decimal, or "" for a multiple of three.
  void PutRecorded(bool strings_of_a, bool strings_of_b) {
    blobs_.Put("a", EncodeScores(Recorded({1, 2}, strings_of_a)));
    blobs_.Put("b", EncodeScores(Recorded({4}, strings_of_b)));
  }

  static ScoreBlock Recorded(const std::vector<std::uint32_t>& samples, bool strings) {
    ScoreBlock block = Block(samples);
    RecordedTokens& recorded = block.recorded.emplace();
    for (std::size_t row = 0; row < samples.size(); ++row) {
      block.tokens[row] = samples[row] + 3;
      block.response_tokens[row] = samples[row] + 1;
      for (std::uint32_t token = 0; token < block.tokens[row]; ++token) {
        const std::uint32_t id = samples[row] + token;
        const std::string text = id % 3 == 0 ? "" : std::to_string(id);
        recorded.ids.push_back(id);
        recorded.response_mask.push_back(token < 2 ? 0 : 1);
        if (!strings) continue;
        recorded.string_lengths.push_back(static_cast<std::uint32_t>(text.size()));
        recorded.strings += text;
      }
    }
    return block;
  }

  absl::StatusOr<std::unique_ptr<ResultFile>> Open() {
    return ResultFile::Open(blobs_, "dataset", {{0, {1, 2}, "a"}, {1, {4}, "b"}});
  }

  std::string Whole(std::size_t piece_bytes) {
    auto file = Open();
    EXPECT_TRUE(file.ok()) << file.status();
    std::string bytes;
    for (;;) {
      const auto piece = (*file)->Next(piece_bytes);
      EXPECT_TRUE(piece.ok()) << piece.status();
      if (piece->empty()) break;
      bytes += *piece;
    }
    EXPECT_EQ(bytes.size(), (*file)->size());
    return bytes;
  }

  MemoryBlobStore blobs_;
};

struct Parsed {
  Json header;
  std::string data;

  template <typename T>
  std::vector<T> Values(const std::string& name) const {
    const std::size_t begin = header[name]["data_offsets"][0];
    const std::size_t end = header[name]["data_offsets"][1];
    std::vector<T> values((end - begin) / sizeof(T));
    std::memcpy(values.data(), data.data() + begin, end - begin);
    return values;
  }
};

Parsed Parse(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length % 8, 0u);
  return {Json::parse(bytes.substr(8, length)), bytes.substr(8 + length)};
}

TEST_F(ResultFileTest, HoldsEveryTensorInDatasetOrder) {
  const Parsed file = Parse(Whole(1 << 20));
  EXPECT_EQ(file.header.size(), 7u);
  EXPECT_EQ(file.Values<std::uint32_t>("index"), (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(file.Values<std::uint32_t>("tokens"), (std::vector<std::uint32_t>{101, 102, 104}));
  EXPECT_EQ(file.Values<std::uint32_t>("response_tokens"), (std::vector<std::uint32_t>{11, 12, 14}));
  EXPECT_EQ(file.Values<double>("objective"), (std::vector<double>{1.5, 2.5, 4.5}));
  EXPECT_EQ(file.header["up"]["dtype"], "F32");
  EXPECT_EQ(file.header["up"]["shape"], Json::parse("[3, 2, 3]"));
  EXPECT_EQ(file.Values<float>("up"),
            (std::vector<float>{10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25, 40, 41, 42, 43, 44, 45}));
  EXPECT_EQ(file.Values<float>("down")[17], -4.0f);
}

TEST_F(ResultFileTest, HoldsRecordedTokensInDatasetOrder) {
  PutRecorded(true, true);
  const Parsed file = Parse(Whole(1 << 20));
  EXPECT_EQ(file.header.size(), 12u);
  EXPECT_EQ(file.header["token_ids"]["dtype"], "I32");
  EXPECT_EQ(file.header["token_offsets"]["dtype"], "I64");
  EXPECT_EQ(file.header["response_mask"]["shape"], Json::parse("[16]"));
  EXPECT_EQ(file.Values<std::int64_t>("token_offsets"), (std::vector<std::int64_t>{0, 4, 9, 16}));
  EXPECT_EQ(file.Values<std::int32_t>("token_ids"),
            (std::vector<std::int32_t>{1, 2, 3, 4, 2, 3, 4, 5, 6, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(file.Values<std::uint8_t>("response_mask"),
            (std::vector<std::uint8_t>{0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(file.Values<std::int64_t>("token_string_offsets"),
            (std::vector<std::int64_t>{0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10, 12}));
  const auto text = file.Values<char>("token_strings");
  EXPECT_EQ(std::string(text.begin(), text.end()), "124245457810");
  EXPECT_EQ(file.Values<std::uint32_t>("index"), (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(file.Values<float>("down")[17], -4.0f);
  EXPECT_EQ(Json::parse(file.Values<char>("ids")), (Json{"id \"1\"\n", "id \"2\"\n", "id \"4\"\n"}));
}

TEST_F(ResultFileTest, HasNoStringsWhereNotEveryTokenHasOne) {
  for (const auto& [a, b] : {std::pair(false, false), std::pair(true, false)}) {
    PutRecorded(a, b);
    const Parsed file = Parse(Whole(1 << 20));
    EXPECT_FALSE(file.header.contains("token_strings"));
    EXPECT_FALSE(file.header.contains("token_string_offsets"));
    EXPECT_EQ(file.Values<std::int64_t>("token_offsets"), (std::vector<std::int64_t>{0, 4, 9, 16}));
    EXPECT_EQ(file.Values<std::int32_t>("token_ids").size(), 16u);
  }
}

TEST_F(ResultFileTest, SizeOfPiecesChangesNoByteOfRecordedTokens) {
  PutRecorded(true, true);
  const std::string whole = Whole(1 << 20);
  for (const std::size_t piece : {1u, 7u, 12u, 64u, 1000u}) EXPECT_EQ(Whole(piece), whole) << piece;
}

TEST_F(ResultFileTest, RecordedTokensOfSomeShardsAreRefused) {
  PutRecorded(true, true);
  blobs_.Put("b", EncodeScores(Block({4})));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ResultFileTest, IdsAreAJsonArrayOfTheScoredSamples) {
  const Parsed file = Parse(Whole(1 << 20));
  const auto ids = file.Values<char>("ids");
  EXPECT_EQ(Json::parse(ids), (Json{"id \"1\"\n", "id \"2\"\n", "id \"4\"\n"}));
}

TEST_F(ResultFileTest, TensorsAreContiguousFromTheFirstByteToTheLast) {
  PutRecorded(true, true);
  const Parsed file = Parse(Whole(1 << 20));
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& [name, tensor] : file.header.items()) {
    ranges.emplace_back(tensor["data_offsets"][0], tensor["data_offsets"][1]);
  }
  std::sort(ranges.begin(), ranges.end());
  std::size_t at = 0;
  for (const auto& [begin, end] : ranges) {
    EXPECT_EQ(begin, at);
    at = end;
  }
  EXPECT_EQ(at, file.data.size());
}

TEST_F(ResultFileTest, SizeOfPiecesChangesNoByte) {
  const std::string whole = Whole(1 << 20);
  for (const std::size_t piece : {1u, 7u, 64u, 1000u}) EXPECT_EQ(Whole(piece), whole) << piece;
}

TEST_F(ResultFileTest, NeverReadsMoreThanAPieceOfPlanes) {
  Whole(16);
  // Heads of dataset records come in windows of 64 KiB.
  EXPECT_LE(blobs_.largest_read(), 64u << 10);
}

TEST_F(ResultFileTest, RefusesShardsThatDoNotAgree) {
  ScoreBlock other = Block({4});
  other.planes.erase("down");
  blobs_.Put("b", EncodeScores(other));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ResultFileTest, RefusesAShardWithOtherSamplesThanRecorded) {
  blobs_.Put("b", EncodeScores(Block({4, 5})));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ResultFileTest, RefusesEveryTruncationOfAShard) {
  const std::string bytes = EncodeScores(Block({4}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    blobs_.Put("b", bytes.substr(0, size));
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST_F(ResultFileTest, RefusesEveryTruncationOfAShardWithTokens) {
  PutRecorded(true, true);
  ASSERT_TRUE(Open().ok());
  const std::string bytes = EncodeScores(Recorded({4}, true));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    blobs_.Put("b", bytes.substr(0, size));
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST_F(ResultFileTest, RefusesCountsOfRecordedTokensThatTheBytesCannotHold) {
  const std::size_t begin = EncodeScores(Block({4})).size();
  for (const std::size_t count : {begin, begin + 4, begin + 8}) {
    PutRecorded(true, true);
    std::string bytes = EncodeScores(Recorded({4}, true));
    bytes.replace(count, 4, "\xff\xff\xff\xff");
    blobs_.Put("b", bytes);
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss) << count;
  }
}

TEST_F(ResultFileTest, RefusesCountsThatTheBytesCannotHold) {
  for (const std::size_t count : {4, 8, 12, 16}) {
    std::string bytes = EncodeScores(Block({4}));
    bytes.replace(count, 4, "\xff\xff\xff\xff");
    blobs_.Put("b", bytes);
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss) << count;
  }
}

TEST_F(ResultFileTest, RefusesADatasetThatEndsBeforeTheLastSample) {
  std::string dataset = DatasetHeader();
  AppendSampleRecord({"only", PlainText{"x"}}, dataset);
  blobs_.Put("dataset", dataset);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ResultFileTest, NoShardsIsNoResult) {
  EXPECT_EQ(ResultFile::Open(blobs_, "dataset", {}).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace headscope::server
