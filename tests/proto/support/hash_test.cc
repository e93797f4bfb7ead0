#include <gtest/gtest.h>

#include <string>

#include "proto/support/crc32c.h"
#include "proto/support/sha256.h"

namespace headscope {
namespace {

TEST(Crc32cTest, MatchesPublishedVectors) {
  // RFC 3720, B.4, and the check value of the polynomial.
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Sha256Test, MatchesPublishedVectors) {
  // FIPS 180-4 examples.
  EXPECT_EQ(ToHex(Sha256Of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256Of("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, NeighbouringStringsDoNotRunTogether) {
  Sha256 one, other;
  one.UpdateString("ab");
  one.UpdateString("c");
  other.UpdateString("a");
  other.UpdateString("bc");
  EXPECT_NE(one.Finish(), other.Finish());
}

TEST(Sha256Test, HexIsReadBackStrictly) {
  const std::string digest = Sha256Of("abc");
  EXPECT_EQ(DigestFromHex(ToHex(digest)), digest);
  EXPECT_EQ(DigestFromHex("abc"), "");
  EXPECT_EQ(DigestFromHex(std::string(64, 'g')), "");
  EXPECT_EQ(DigestFromHex(std::string(64, 'A')), "");
}

}  // namespace
}  // namespace headscope
