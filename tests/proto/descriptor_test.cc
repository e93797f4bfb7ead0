// Compatibility of the public API: what has shipped keeps its name, number, type and label for ever.
//
// api.golden.txt lists every field, enum value and method of headscope.v1 and headscope.worker.v1. A change that
// removes or alters a line breaks clients; additions are fine once recorded:
//   HEADSCOPE_UPDATE_GOLDEN=1 ctest -R DescriptorTest
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "headscope/v1/attribution_service.pb.h"
#include "headscope/v1/dataset_service.pb.h"
#include "headscope/v1/model_service.pb.h"
#include "headscope/v1/pattern_service.pb.h"
#include "headscope/worker/v1/worker_service.pb.h"

namespace headscope {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr char kGolden[] = HEADSCOPE_SOURCE_DIR "/tests/proto/api.golden.txt";

std::string TypeOf(const FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type()->full_name();
  if (field.enum_type() != nullptr) return field.enum_type()->full_name();
  return field.type_name();
}

void AddEnum(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert(type.full_name() + " value " + type.value(i)->name() + " = " +
                 std::to_string(type.value(i)->number()));
  }
}

void AddMessage(const Descriptor& type, std::set<std::string>& lines) {
  lines.insert(type.full_name() + " message");
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    std::string line = type.full_name() + " field " + field.name() + " = " + std::to_string(field.number()) + " " +
                       (field.is_repeated()            ? "repeated "
                        : field.has_optional_keyword() ? "optional "
                                                       : "") +
                       TypeOf(field);
    if (field.real_containing_oneof() != nullptr) line += " oneof " + field.real_containing_oneof()->name();
    lines.insert(line);
  }
  for (int i = 0; i < type.nested_type_count(); ++i) AddMessage(*type.nested_type(i), lines);
  for (int i = 0; i < type.enum_type_count(); ++i) AddEnum(*type.enum_type(i), lines);
}

void AddFile(const FileDescriptor& file, std::set<std::string>& lines, std::set<std::string>& seen) {
  if (!file.package().starts_with("headscope") || !seen.insert(file.name()).second) return;
  for (int i = 0; i < file.message_type_count(); ++i) AddMessage(*file.message_type(i), lines);
  for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(*file.enum_type(i), lines);
  for (int i = 0; i < file.service_count(); ++i) {
    for (int m = 0; m < file.service(i)->method_count(); ++m) {
      const auto& method = *file.service(i)->method(m);
      lines.insert(method.full_name() + " rpc " + (method.client_streaming() ? "stream " : "") +
                   method.input_type()->full_name() + " -> " + (method.server_streaming() ? "stream " : "") +
                   method.output_type()->full_name());
    }
  }
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), lines, seen);
}

std::set<std::string> Api() {
  std::set<std::string> lines, seen;
  for (const FileDescriptor* file :
       {v1::SubmitJobRequest::descriptor()->file(), v1::GetDatasetRequest::descriptor()->file(),
        v1::GetModelRequest::descriptor()->file(), v1::GetPatternRequest::descriptor()->file(),
        worker::v1::OpenSessionRequest::descriptor()->file()}) {
    AddFile(*file, lines, seen);
  }
  return lines;
}

TEST(DescriptorTest, ShippedApiIsKeptAndAdditionsAreRecorded) {
  const std::set<std::string> api = Api();
  ASSERT_GT(api.size(), 200u);
  if (std::getenv("HEADSCOPE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream golden(kGolden);
    for (const std::string& line : api) golden << line << "\n";
  }
  std::ifstream golden(kGolden);
  ASSERT_TRUE(golden.good()) << kGolden << " is missing";
  std::set<std::string> recorded;
  for (std::string line; std::getline(golden, line);) recorded.insert(line);
  for (const std::string& line : recorded) EXPECT_TRUE(api.contains(line)) << "removed or altered: " << line;
  for (const std::string& line : api) EXPECT_TRUE(recorded.contains(line)) << "not recorded yet: " << line;
}

}  // namespace
}  // namespace headscope
