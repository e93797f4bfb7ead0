// Patterns, inline and stored, and the calls that most tests of analyses make.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/support/wire/tensor_codec.h"
#include "tests/server/service/service_harness.h"

namespace headscope::server {

inline v1::Tensor Tensor(const std::vector<double>& values, std::uint32_t layers = 2, std::uint32_t heads = 4) {
  return EncodeTensor(absl::MakeConstSpan(values), {layers, heads});
}

inline v1::PatternReference Inline(const std::vector<double>& values, std::uint32_t layers = 2, std::uint32_t heads = 4,
                                   const std::string& label = "") {
  v1::PatternReference reference;
  reference.mutable_inline_pattern()->set_label(label);
  *reference.mutable_inline_pattern()->mutable_values() = Tensor(values, layers, heads);
  return reference;
}

inline v1::PatternReference Named(const std::string& name) {
  v1::PatternReference reference;
  reference.set_name(name);
  return reference;
}

inline const std::vector<double> kFirst = {1, 2, 3, 4, 5, 6, 7, 9};
inline const std::vector<double> kSecond = {2, 1, 4, 3, 9, 5, 6, 7};

class AnalysisRpcTest : public testing::Test {
 protected:
  static constexpr int kSamples = 5;

  // A job of five samples, done; its id.
  std::string Job() {
    const std::string id = harness_.Submit(kSamples);
    harness_.RunJob(id, 16 * 1024);
    return id;
  }
  grpc::Status Import(const v1::ImportPatternRequest& request) {
    return harness_.patterns().ImportPattern(Context().get(), request, &imported_);
  }
  std::string Import(const std::vector<double>& values, const std::string& name = "") {
    v1::ImportPatternRequest request;
    request.set_display_name(name);
    *request.mutable_values() = Tensor(values);
    EXPECT_TRUE(Import(request).ok());
    return imported_.pattern().name();
  }
  grpc::Status Describe(const v1::DescribePatternRequest& request) {
    return harness_.patterns().DescribePattern(Context().get(), request, &description_);
  }

  ServiceHarness harness_;
  v1::ImportPatternResponse imported_;
  v1::DescribePatternResponse description_;
};

}  // namespace headscope::server
