#include "server/service/request_hash.h"

#include <gtest/gtest.h>

#include <set>

namespace headscope::server {
namespace {

TEST(RequestHashTest, EveryFieldCounts) {
  JobSpec base;
  base.model = "family/model-name-long";
  std::vector<JobSpec> specs(15, base);
  specs[1].model = "another/model-name-long";
  specs[2].model_digest = std::string(32, 'a');
  specs[3].dataset = std::string(64, 'e');
  specs[4].compute.dtype = DType::kFloat64;
  specs[5].compute.append_eos = false;
  specs[6].compute.max_tokens = 0;
  specs[7].compute.on_invalid = OnInvalid::kSkip;
  specs[8].reduction.script_batch = 5;
  specs[9].priority = 1;
  specs[10].batch_tokens = 0;
  specs[11].queue_ttl = absl::Seconds(1);
  specs[12].max_attempts = 6;
  specs[13].labels.emplace("task", "copying");
  specs[14].compute.record_tokens = true;
  std::set<std::string> hashes;
  for (const JobSpec& spec : specs) hashes.insert(RequestHash(spec));
  EXPECT_EQ(hashes.size(), specs.size());
  EXPECT_EQ(RequestHash(base), RequestHash(specs[0]));
}

TEST(RequestHashTest, EveryFieldOfASweepCounts) {
  SweepSpec base;
  base.models = {"a", "b"};
  base.datasets = {{"1", "copy"}, {"2", "sort"}};
  std::vector<SweepSpec> specs(6, base);
  specs[1].models = {"b", "a"};
  specs[2].datasets[0].digest = "3";
  specs[3].datasets[0].task = "add";
  specs[4].common.compute.append_eos = false;
  specs[5].common.labels.emplace("run", "1");
  std::set<std::string> hashes;
  for (const SweepSpec& spec : specs) hashes.insert(RequestHash(spec));
  EXPECT_EQ(hashes.size(), specs.size());
  EXPECT_EQ(RequestHash(base), RequestHash(specs[0]));
}

// A client that repeats a request after the server was renewed gets the job it has.
TEST(RequestHashTest, OfARequestOfTheFirstReleaseStaysWhatItWas) {
  JobSpec spec;
  spec.model = "m";
  EXPECT_EQ(RequestHash(spec), "a8aa740c5fc0da26586378d76360192bf46eec1a8fadcb2486fe11129f55f70d");
}

}  // namespace
}  // namespace headscope::server
