#include "worker/model/safetensors_header.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

absl::Status StatusOf(const std::string& header, std::int64_t data_bytes) {
  return ParseSafetensorsHeader(header, data_bytes, "m.safetensors").status();
}

// Refused as malformed, with `word` in the text.
void ExpectMalformed(const std::string& header, std::int64_t data_bytes, const std::string& word) {
  const absl::Status status = StatusOf(header, data_bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << header.substr(0, 200) << " " << status;
  EXPECT_NE(status.message().find(word), absl::string_view::npos) << status;
}

std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& range) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + range + "]}";
}

TEST(SafetensorsHeaderTest, ReadsTensorsMetadataAndPadding) {
  const auto header =
      ParseSafetensorsHeader("{" + Entry("a", "F32", "2,3", "0,24") + R"(,"__metadata__":{"format":"pt"},)" +
                                 Entry("b", "BF16", "", "24,26") + "}   ",
                             26, "m.safetensors");
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->size(), 2u);
  EXPECT_EQ(header->at("a").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(header->at("a").end, 24);
  EXPECT_EQ(header->at("b").dtype, "BF16");
  EXPECT_TRUE(header->at("b").shape.empty());
}

TEST(SafetensorsHeaderTest, AcceptsAnEmptyFileAndEmptyTensorsAtBorders) {
  EXPECT_TRUE(StatusOf("{}", 0).ok());
  EXPECT_TRUE(StatusOf("{" + Entry("a", "F32", "0,5", "0,0") + "," + Entry("b", "F32", "1", "0,4") + "," +
                           Entry("c", "I64", "3,0", "4,4") + "}",
                       4)
                  .ok());
}

TEST(SafetensorsHeaderTest, EmptyTensorsDoNotBypassTheChecks) {
  ExpectMalformed("{" + Entry("a", "F32", "2", "0,8") + "," + Entry("b", "F32", "0", "4,4") + "}", 8, "overlap");
  ExpectMalformed("{" + Entry("a", "F32", "0", "0,8") + "}", 8, "needs 0 bytes");
  ExpectMalformed("{" + Entry("a", "F32", "0", "8,8") + "}", 0, "data_offsets");
  ExpectMalformed("{" + Entry("a", "F32", "9223372036854775807,9,0", "0,0") + "}", 0, "overflows");
}

TEST(SafetensorsHeaderTest, RefusesHolesAndOverlaps) {
  ExpectMalformed("{" + Entry("a", "F32", "1", "0,4") + "," + Entry("b", "F32", "1", "8,12") + "}", 12, "a hole");
  ExpectMalformed("{" + Entry("a", "F32", "2", "0,8") + "," + Entry("b", "F32", "2", "4,12") + "}", 12, "an overlap");
  ExpectMalformed("{" + Entry("a", "F32", "1", "0,4") + "," + Entry("b", "F32", "1", "0,4") + "}", 4, "an overlap");
  ExpectMalformed("{" + Entry("a", "F32", "1", "4,8") + "}", 8, "a hole");
  ExpectMalformed("{" + Entry("a", "F32", "1", "0,4") + "}", 8, "hole at the end");
  ExpectMalformed("{}", 4, "hole at the end");
}

TEST(SafetensorsHeaderTest, RefusesRangesThatDoNotFitShapeOrFile) {
  ExpectMalformed("{" + Entry("a", "F32", "2", "0,4") + "}", 4, "needs 8 bytes");
  ExpectMalformed("{" + Entry("a", "F32", "1", "0,8") + "}", 8, "needs 4 bytes");
  ExpectMalformed("{" + Entry("a", "F32", "2", "0,8") + "}", 4, "data_offsets");
  ExpectMalformed("{" + Entry("a", "F32", "1", "4,0") + "}", 4, "data_offsets");
  ExpectMalformed("{" + Entry("a", "F32", "4611686018427387904,4", "0,0") + "}", 0, "overflows");
  ExpectMalformed("{" + Entry("a", "F64", "2305843009213693952", "0,0") + "}", 0, "overflows");
  ExpectMalformed("{" + Entry("a", "F32", "1", "18446744073709551612,0") + "}", 4, "too large");
  ExpectMalformed("{" + Entry("a", "F32", "-1", "0,4") + "}", 4, "negative");
  ExpectMalformed("{" + Entry("a", "F32", "1.0", "0,4") + "}", 4, "fraction");
  ExpectMalformed("{" + Entry("a", "F32", "99999999999999999999999", "0,4") + "}", 4, "fraction");
  ExpectMalformed("{" + Entry("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") + "}", 4, "more than 8");
  ExpectMalformed("{" + Entry("a", "F32", "1", "0,4,4") + "}", 4, "two data_offsets");
  ExpectMalformed("{" + Entry("a", "F32", "1", "4") + "}", 4, "two data_offsets");
}

TEST(SafetensorsHeaderTest, RefusesDuplicateKeysAtEveryLevel) {
  ExpectMalformed("{" + Entry("a", "F32", "1", "0,4") + "," + Entry("a", "F32", "1", "0,4") + "}", 4, "twice");
  ExpectMalformed(R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4, "twice");
  ExpectMalformed(R"({"__metadata__":{"x":"1","x":"2"}})", 0, "twice");
  ExpectMalformed(R"({"__metadata__":{},"__metadata__":{}})", 0, "twice");
}

TEST(SafetensorsHeaderTest, RefusesOtherShapesOfJson) {
  const std::vector<std::string> wrong = {"",
                                          " {}",
                                          "[]",
                                          "{",
                                          "{}x",
                                          "{}\n",
                                          "{}{}",
                                          "null",
                                          "{\"a\":1}",
                                          "{\"a\":\"F32\"}",
                                          "{\"a\":[]}",
                                          "{\"a\":{}}",
                                          R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})",
                                          R"({"a":{"dtype":"F32","shape":{"b":1}}})",
                                          R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})",
                                          R"({"a":{"dtype":["F32"]}})",
                                          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":"x"}})",
                                          R"({"a":{"dtype":"F32","shape":[null],"data_offsets":[0,4]}})",
                                          R"({"a":{"shape":[1],"data_offsets":[0,4]}})",
                                          R"({"__metadata__":{"x":1}})",
                                          R"({"__metadata__":{"x":{"y":"z"}}})",
                                          R"({"__metadata__":["x"]})",
                                          R"({"__metadata__":"x"})",
                                          "{\"\xc3\x28\":{}}",
                                          std::string("{}\0}", 4)};
  for (const std::string& header : wrong) {
    EXPECT_EQ(StatusOf(header, 4).code(), absl::StatusCode::kInvalidArgument) << header;
  }
}

TEST(SafetensorsHeaderTest, RefusesNamesAndMetadataBeyondTheLimits) {
  ExpectMalformed("{" + Entry(std::string(513, 'n'), "F32", "1", "0,4") + "}", 4, "513 bytes");
  ExpectMalformed("{" + Entry("", "F32", "1", "0,4") + "}", 4, "0 bytes");
  EXPECT_TRUE(StatusOf("{" + Entry(std::string(512, 'n'), "F32", "1", "0,4") + "}", 4).ok());
  ExpectMalformed(R"({"__metadata__":{"x":")" + std::string((1 << 20) + 1, 'm') + "\"}}", 0, "__metadata__");
}

TEST(SafetensorsHeaderTest, DeepNestingDoesNotOverflowTheStack) {
  ExpectMalformed("{\"a\":" + std::string(1'000'000, '[') + "}", 0, "unexpected an array");
  ExpectMalformed("{\"a\":{\"shape\":" + std::string(1'000'000, '[') + "}", 0, "unexpected an array");
}

TEST(SafetensorsHeaderTest, ErrorsQuoteAFewWordsOfALongHeader) {
  EXPECT_LT(StatusOf("{\"" + std::string(1'000'000, 'x') + "\n}", 0).message().size(), 500u);
}

TEST(SafetensorsHeaderTest, UnsupportedDtypesAreNamedWithAdvice) {
  for (const char* dtype : {"F8_E4M3", "F8_E5M2", "F4", "C64", "f32", ""}) {
    std::string header = "{";
    header.append(Entry("a", dtype, "4", "0,4")).append("}");
    const absl::Status status = StatusOf(header, 4);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << dtype;
    EXPECT_NE(status.message().find(dtype), absl::string_view::npos);
  }
}

// Every prefix and every single-byte change of a header ends in a status, never in a crash.
TEST(SafetensorsHeaderTest, MutationsAreHandled) {
  const std::string good = "{" + Entry("a", "F32", "2,3", "0,24") + R"(,"__metadata__":{"format":"pt"},)" +
                           Entry("b", "BF16", "1", "24,26") + "}";
  ASSERT_TRUE(StatusOf(good, 26).ok());
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(StatusOf(good.substr(0, i), 26).ok());
    for (const char byte : {'\0', '"', '{', '}', '[', ']', ',', ':', '9', '-', '\\', '\xff', ' '}) {
      std::string changed = good;
      changed[i] = byte;
      StatusOf(changed, 26).IgnoreError();
    }
  }
}

}  // namespace
}  // namespace headscope::worker
