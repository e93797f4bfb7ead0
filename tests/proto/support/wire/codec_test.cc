#include <gtest/gtest.h>

#include "proto/support/wire/sample_codec.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope {
namespace {

TEST(TensorCodecTest, ValuesComeBackBitForBit) {
  const std::vector<double> values = {0.1, -0.0, 1e300};
  const v1::Tensor tensor = EncodeTensor(absl::Span<const double>(values), {3, 1});
  EXPECT_EQ(tensor.dtype(), v1::DTYPE_FLOAT64);
  EXPECT_EQ(tensor.data().size(), 24u);
  const auto back = DecodeFloat64(tensor);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, values);
}

TEST(TensorCodecTest, RefusesWhatDoesNotFit) {
  const std::vector<float> values = {1, 2};
  v1::Tensor tensor = EncodeTensor(absl::Span<const float>(values), {2});
  EXPECT_FALSE(DecodeFloat64(tensor).ok());
  tensor.set_shape(0, 3);
  EXPECT_EQ(DecodeFloat32(tensor).status().message(), "tensor: its shape needs 12 bytes, found 8");
  tensor.clear_shape();
  for (int i = 0; i < 3; ++i) tensor.add_shape(0x80000000u);
  EXPECT_EQ(DecodeFloat32(tensor).status().message(), "tensor: the product of its extents overflows");
}

TEST(SampleCodecTest, EveryKindComesBack) {
  for (const Sample& sample :
       {Sample{"a", TextPair{"p", "r"}}, Sample{"b", TokenIds{{5, 6}, 1}}, Sample{"c", PlainText{"t"}}}) {
    const auto back = FromProto(ToProto(sample));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, sample);
  }
}

TEST(SampleCodecTest, RefusesASampleWithoutInput) {
  v1::Sample sample;
  sample.set_id("a");
  EXPECT_EQ(FromProto(sample).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace headscope
