// Every field of a sweep's submission with what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

void AddDataset(v1::SubmitSweepRequest& request, const std::string& dataset, const std::string& task) {
  v1::SweepDataset& added = *request.mutable_spec()->add_datasets();
  added.set_dataset(dataset);
  added.set_task(task);
}

v1::SubmitSweepRequest GoodRequest() {
  v1::SubmitSweepRequest request;
  request.mutable_spec()->add_models("models/base");
  request.mutable_spec()->add_models("run/checkpoint-1");
  AddDataset(request, "datasets/" + std::string(64, 'a'), "copy");
  AddDataset(request, std::string(64, 'b'), "sort");
  return request;
}

std::vector<std::string> FaultsOf(const v1::SubmitSweepRequest& request) {
  Violations violations;
  ValidateSubmit(request, violations);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(violations.status()).violations) fields.push_back(violation.field);
  return fields;
}

TEST(ValidateSweepTest, BecomesAGridOfBareNames) {
  Violations violations;
  const NewSweep sweep = ValidateSubmit(GoodRequest(), violations);
  EXPECT_TRUE(violations.empty()) << violations.status();
  EXPECT_THAT(sweep.spec.models, ElementsAre("base", "run/checkpoint-1"));
  EXPECT_EQ(sweep.spec.datasets[1].digest, std::string(64, 'b'));
  EXPECT_EQ(sweep.spec.cell_count(), 4u);
  EXPECT_EQ(sweep.spec.model_of(2), "run/checkpoint-1");
  EXPECT_EQ(sweep.spec.dataset_of(1).task, "sort");
}

struct Case {
  const char* name;
  std::vector<std::string> fields;
  std::function<void(v1::SubmitSweepRequest&)> spoil;
};

class RefusedSweepTest : public testing::TestWithParam<Case> {};

TEST_P(RefusedSweepTest, NamesItsFaults) {
  v1::SubmitSweepRequest request = GoodRequest();
  GetParam().spoil(request);
  EXPECT_EQ(FaultsOf(request), GetParam().fields);
}

using Sweep = v1::SubmitSweepRequest;
INSTANTIATE_TEST_SUITE_P(
    Fields, RefusedSweepTest,
    testing::Values(
        Case{"Nothing", {"spec.models", "spec.datasets"}, [](Sweep& sweep) { sweep.clear_spec(); }},
        Case{"ModelPath", {"spec.models[1]"}, [](Sweep& sweep) { sweep.mutable_spec()->set_models(1, "../x"); }},
        Case{"ModelTwice", {"spec.models[1]"}, [](Sweep& sweep) { sweep.mutable_spec()->set_models(1, "base"); }},
        Case{"DatasetName",
             {"spec.datasets[0].dataset"},
             [](Sweep& sweep) { sweep.mutable_spec()->mutable_datasets(0)->set_dataset("x"); }},
        Case{"DatasetTwice",
             {"spec.datasets[1].dataset"},
             [](Sweep& sweep) { sweep.mutable_spec()->mutable_datasets(1)->set_dataset(std::string(64, 'a')); }},
        Case{"NoTask",
             {"spec.datasets[1].task"},
             [](Sweep& sweep) { sweep.mutable_spec()->mutable_datasets(1)->clear_task(); }},
        Case{"LongTask",
             {"spec.datasets[1].task"},
             [](Sweep& sweep) {
               sweep.mutable_spec()->mutable_datasets(1)->set_task(std::string(kMaxLabelValueBytes + 1, 'x'));
             }},
        Case{"TaskTwice",
             {"spec.datasets[1].task"},
             [](Sweep& sweep) { sweep.mutable_spec()->mutable_datasets(1)->set_task("copy"); }},
        Case{"OwnLabels",
             {"spec.labels.sweep", "spec.labels.task", "spec.labels.checkpoint"},
             [](Sweep& sweep) {
               for (const char* key : {"sweep", "task", "checkpoint"}) (*sweep.mutable_spec()->mutable_labels())[key];
             }},
        Case{"TooManyLabels",
             {"spec.labels"},
             [](Sweep& sweep) {
               for (int i = 0; i < 14; ++i) (*sweep.mutable_spec()->mutable_labels())[absl::StrCat("l", i)];
             }},
        Case{"TooManyCells",
             {"spec"},
             [](Sweep& sweep) {
               for (int i = 0; i < 499; ++i) sweep.mutable_spec()->add_models(absl::StrCat("m", i));
             }},
        Case{"Options",
             {"spec.compute.dtype", "spec.execution.priority"},
             [](Sweep& sweep) {
               sweep.mutable_spec()->mutable_compute()->set_dtype(static_cast<v1::DType>(99));
               sweep.mutable_spec()->mutable_execution()->set_priority(1000);
             }},
        Case{"RequestId",
             {"request_id"},
             [](Sweep& sweep) { sweep.set_request_id(std::string(kMaxRequestIdBytes + 1, 'r')); }}),
    [](const auto& info) { return info.param.name; });

TEST(ValidateSweepTest, AThousandCellsAreAllowed) {
  v1::SubmitSweepRequest request = GoodRequest();
  for (int i = 0; i < 498; ++i) request.mutable_spec()->add_models(absl::StrCat("m", i));
  EXPECT_THAT(FaultsOf(request), ElementsAre());
}

}  // namespace
}  // namespace headscope::server
