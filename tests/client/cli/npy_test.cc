#include "client/cli/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "client/cli/npy_pool.h"
#include "client/cli/npz.h"
#include "client/cli/output_file.h"

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NpyTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& bytes) {
    const std::string path = ::testing::TempDir() + "npy_test." + std::to_string(getpid()) + "." +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".npy";
    EXPECT_TRUE(WriteFile(path, bytes).ok());
    return path;
  }
  // A version 1 file with this dictionary.
  static std::string File(const std::string& header, const std::string& data) {
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(header.size());
    bytes += '\0';
    return bytes + header + data;
  }
  static std::string Floats(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }
  std::string Refusal(const std::string& bytes) {
    return std::string(NpyReader::Open(Write(bytes)).status().message());
  }
};

TEST_F(NpyTest, WhatIsWrittenIsRead) {
  auto reader = NpyReader::Open(Write(NpyBytes({2, 3}, {1, 2, 3, 4, 5, 0.1})));
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(reader->shape(), ElementsAre(2, 3));
  std::vector<double> values(4);
  ASSERT_TRUE(reader->Read(values).ok());
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4));
  values.resize(2);
  ASSERT_TRUE(reader->Read(values).ok());
  EXPECT_THAT(values, ElementsAre(5, 0.1));
  EXPECT_FALSE(reader->Read(values).ok()) << "nothing is left";
}

TEST_F(NpyTest, SinglePrecisionIsWidened) {
  auto reader = NpyReader::Open(
      Write(File("{\"descr\": '<f4', 'fortran_order': False, 'shape': (3,), }\n", Floats({0.5f, 2, 3}))));
  // Keys are quoted as Python prints them or as JSON does.
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(reader->shape(), ElementsAre(3));
  std::vector<double> values(3);
  ASSERT_TRUE(reader->Read(values).ok());
  EXPECT_THAT(values, ElementsAre(0.5, 2, 3));
}

TEST_F(NpyTest, WhatIsNotTakenIsRefusedWithTheReason) {
  EXPECT_THAT(Refusal("layer,head"), HasSubstr("is no .npy file"));
  EXPECT_THAT(Refusal(File("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", "12345678")),
              HasSubstr("values of type '<i8', '<f4' or '<f8' is needed"));
  EXPECT_THAT(Refusal(File("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "12345678")),
              HasSubstr("values of type '|O'"));
  EXPECT_THAT(Refusal(File("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", Floats({1}))),
              HasSubstr("Fortran order"));
  EXPECT_THAT(Refusal(File("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", Floats({1}))),
              HasSubstr("its shape (2) needs"));
  for (const char* shape : {"(99999999999, 99999999999, 9)", "(-1,)", "(1", "3", ""}) {
    EXPECT_THAT(Refusal(File(std::string("{'descr': '<f8', 'fortran_order': False, 'shape': ") + shape, "")),
                HasSubstr("damaged .npy header"))
        << shape;
  }
  EXPECT_THAT(Refusal(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)), HasSubstr("ends within its .npy header"));
  EXPECT_THAT(Refusal(std::string("\x93NUMPY\x09\x00\x01\x00{", 11)), HasSubstr("version 9"));
  EXPECT_THAT(std::string(NpyReader::Open("/nowhere/x.npy").status().message()), HasSubstr("/nowhere/x.npy"));
}

TEST_F(NpyTest, APoolIsReadPieceByPieceWithItsIds) {
  const std::string path = Write(NpyBytes({3, 1, 2}, {1, 2, 3, 4, 5, 6}));
  const std::string ids = path + ".ids";
  ASSERT_TRUE(WriteFile(ids, "a\nb\nc\n").ok());
  auto pool = NpyPool::Open(path, ids);
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(pool->samples(), 3u);
  auto rows = pool->Next(2);
  ASSERT_TRUE(rows.ok() && *rows);
  EXPECT_THAT((*rows)->ids, ElementsAre("a", "b"));
  EXPECT_THAT((*rows)->scores, ElementsAre(1, 2, 3, 4));
  rows = pool->Next(2);
  ASSERT_TRUE(rows.ok() && *rows);
  EXPECT_THAT((*rows)->ids, ElementsAre("c"));
  rows = pool->Next(2);
  ASSERT_TRUE(rows.ok());
  EXPECT_FALSE(rows->has_value());
}

TEST_F(NpyTest, APoolGivesMagnitudesWhenAskedTo) {
  auto pool = NpyPool::Open(Write(NpyBytes({1, 1, 2}, {-1, 2})), {});
  ASSERT_TRUE(pool.ok()) << pool.status();
  pool->TakeMagnitudes();
  EXPECT_THAT((**pool->Next(1)).scores, ElementsAre(1, 2));
}

TEST_F(NpyTest, IdsThatDoNotFitThePoolAreRefused) {
  const std::string path = Write(NpyBytes({2, 1, 1}, {1, 2}));
  const std::string ids = path + ".ids";
  ASSERT_TRUE(WriteFile(ids, "a\n").ok());
  EXPECT_THAT(std::string(NpyPool::Open(path, ids)->Next(2).status().message()), HasSubstr("has 1 lines"));
  ASSERT_TRUE(WriteFile(ids, "a\nb\nc\n").ok());
  auto pool = NpyPool::Open(path, ids);
  ASSERT_TRUE(pool->Next(2).ok());
  EXPECT_THAT(std::string(pool->Next(2).status().message()), HasSubstr("more lines"));
  EXPECT_THAT(std::string(NpyPool::Open(Write(NpyBytes({2, 1}, {1, 2})), {}).status().message()),
              HasSubstr("three axes"));
}

TEST_F(NpyTest, AnNpzIsTheSameBytesForTheSameMembers) {
  const std::string values = NpyBytes({1, 2}, {1, 2});
  const auto first = NpzBytes({{"values", values}, {"standard_error", values}});
  const auto second = NpzBytes({{"values", values}, {"standard_error", values}});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(first->substr(0, 4), std::string("PK\x03\x04", 4));
  EXPECT_THAT(*first, HasSubstr("values.npy"));
  EXPECT_THAT(*first, HasSubstr(values)) << "stored, not compressed";
}

}  // namespace
}  // namespace headscope::cli
