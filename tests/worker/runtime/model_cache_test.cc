#include "worker/runtime/model_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/error.h"
#include "tests/worker/runtime/runtime_fixture.h"
#include "tests/worker/support/test_adapter.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Three copies of one small model and a budget for two of them.
class ModelCacheTest : public testing::Test {
 protected:
  ModelCacheTest() {
    for (const char* name : {"a", "b", "c"}) {
      AddGoldenModel(root_, "llama", name);
      // Content of its own, so that it is a model of its own.
      WriteModelFile(root_, name, "generation_config.json", nlohmann::json({{"note", name}}).dump());
    }
    catalogue_ = ModelCatalogue::Open({.root = root_.path()}).value();
    bytes_ = static_cast<std::int64_t>(Entry("a").parameters) * 4;
  }

  ModelEntry Entry(const std::string& name) { return catalogue_->Resolve(name, {}).value(); }
  ModelCacheOptions Options(std::int64_t budget) { return {.budget_bytes = budget, .root = catalogue_->root()}; }
  static std::vector<std::string> Names(const ModelCache& cache) {
    std::vector<std::string> names;
    for (const ResidentModel& model : cache.Resident()) names.push_back(model.name);
    return names;
  }

  TempDirectory root_;
  std::unique_ptr<ModelCatalogue> catalogue_;
  std::int64_t bytes_ = 0;
  Metrics metrics_{"test", "test", "cpu"};
};

TEST_F(ModelCacheTest, LoadsOnceAndSharesAfterwards) {
  ModelCache cache(Options(2 * bytes_), metrics_);
  const auto first = cache.Get(Entry("a"), DType::kFloat32).value();
  EXPECT_EQ(first->resident_bytes(), bytes_);
  EXPECT_EQ(cache.Get(Entry("a"), DType::kFloat32).value(), first);
  EXPECT_THAT(Names(cache), ElementsAre("a"));
}

TEST_F(ModelCacheTest, UnloadsTheLeastRecentlyUsedModelThatNobodyHolds) {
  ModelCache cache(Options(2 * bytes_), metrics_);
  ASSERT_TRUE(cache.Get(Entry("a"), DType::kFloat32).ok());
  ASSERT_TRUE(cache.Get(Entry("b"), DType::kFloat32).ok());
  ASSERT_TRUE(cache.Get(Entry("a"), DType::kFloat32).ok());
  ASSERT_TRUE(cache.Get(Entry("c"), DType::kFloat32).ok());
  EXPECT_THAT(Names(cache), ElementsAre("c", "a"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("headscope_model_evictions_total{reason=\"budget\"} 1"));
}

TEST_F(ModelCacheTest, NeverUnloadsAModelThatIsHeld) {
  ModelCache cache(Options(2 * bytes_), metrics_);
  const auto held = cache.Get(Entry("a"), DType::kFloat32).value();
  ASSERT_TRUE(cache.Get(Entry("b"), DType::kFloat32).ok());
  ASSERT_TRUE(cache.Get(Entry("c"), DType::kFloat32).ok());
  EXPECT_THAT(Names(cache), ElementsAre("c", "a"));
  cache.EvictUnused();
  EXPECT_THAT(Names(cache), ElementsAre("a"));
  EXPECT_EQ(cache.FreeBytes(), bytes_);
}

TEST_F(ModelCacheTest, SaysWhenHeldModelsLeaveNoRoom) {
  ModelCache cache(Options(2 * bytes_), metrics_);
  const auto a = cache.Get(Entry("a"), DType::kFloat32).value();
  const auto b = cache.Get(Entry("b"), DType::kFloat32).value();
  const auto c = cache.Get(Entry("c"), DType::kFloat32);
  EXPECT_EQ(c.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(ReasonOf(c.status()), "MODEL_TOO_LARGE");
}

TEST_F(ModelCacheTest, RefusesAModelBeyondTheWholeBudgetWithBothNumbers) {
  ModelCache cache(Options(bytes_ / 2), metrics_);
  const auto model = cache.Get(Entry("a"), DType::kFloat32);
  EXPECT_EQ(model.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(model.status()), "MODEL_TOO_LARGE");
  EXPECT_THAT(std::string(model.status().message()), HasSubstr("KiB in float32 and this worker's models may take"));
  EXPECT_THAT(Names(cache), IsEmpty());
}

TEST_F(ModelCacheTest, KeepsDtypesApart) {
  ModelCache cache(Options(4 * bytes_), metrics_);
  const auto narrow = cache.Get(Entry("a"), DType::kFloat32).value();
  const auto wide = cache.Get(Entry("a"), DType::kFloat64).value();
  EXPECT_NE(narrow, wide);
  EXPECT_EQ(wide->resident_bytes(), 2 * bytes_);
}

TEST_F(ModelCacheTest, LoadsChangedContentAnew) {
  ModelCache cache(Options(4 * bytes_), metrics_);
  const auto before = cache.Get(Entry("a"), DType::kFloat32).value();
  WriteModelFile(root_, "a", "generation_config.json", "{}");
  EXPECT_NE(cache.Get(Entry("a"), DType::kFloat32).value(), before);
}

// Two adapters of model "a", and "b" beside it.
class AdapterCacheTest : public ModelCacheTest {
 protected:
  AdapterCacheTest() {
    const TestModel base = TestModel::Golden("llama");
    for (std::uint32_t seed : {1, 2}) {
      TestAdapter adapter = TestAdapter::Random(base, LinearModules(base), 2, seed);
      adapter.config["base_model_name_or_path"] = "a";
      // The head's term is added to a copy of the head.
      adapter.tensors.erase(TestAdapter::Name("lm_head", "A"));
      adapter.tensors.erase(TestAdapter::Name("lm_head", "B"));
      adapter.WriteTo(root_.File(seed == 1 ? "first" : "second"));
    }
    catalogue_->Rescan();
    adapter_bytes_ = static_cast<std::int64_t>(Entry("first").adapter->parameters) * 4;
  }

  std::int64_t adapter_bytes_ = 0;
};

TEST_F(AdapterCacheTest, AdaptersOfOneBaseShareItAndItIsCountedOnce) {
  ModelCache cache(Options(bytes_ + 2 * adapter_bytes_), metrics_);
  const auto first = cache.Get(Entry("first"), DType::kFloat32).value();
  const auto second = cache.Get(Entry("second"), DType::kFloat32).value();
  EXPECT_EQ(first->base(), second->base());
  EXPECT_EQ(cache.Get(Entry("a"), DType::kFloat32).value(), first->base());
  std::map<std::string, std::int64_t> bytes;
  for (const ResidentModel& model : cache.Resident()) bytes[model.name] = model.bytes;
  EXPECT_THAT(bytes, testing::ElementsAre(testing::Pair("a", bytes_), testing::Pair("first", adapter_bytes_),
                                          testing::Pair("second", adapter_bytes_)));
  EXPECT_EQ(cache.FreeBytes(), 0);
}

TEST_F(AdapterCacheTest, AHeldAdapterPinsItsBase) {
  ModelCache cache(Options(2 * bytes_), metrics_);
  const auto held = cache.Get(Entry("first"), DType::kFloat32).value();
  ASSERT_TRUE(cache.Get(Entry("second"), DType::kFloat32).ok());
  EXPECT_EQ(cache.FreeBytes(), bytes_ - adapter_bytes_);
  cache.EvictUnused();
  EXPECT_THAT(Names(cache), testing::UnorderedElementsAre("a", "first"));
  EXPECT_EQ(cache.Get(Entry("b"), DType::kFloat32).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(AdapterCacheTest, ABaseGoesWithTheLastOfItsAdapters) {
  ModelCache cache(Options(bytes_ + 2 * adapter_bytes_), metrics_);
  ASSERT_TRUE(cache.Get(Entry("first"), DType::kFloat32).ok());
  ASSERT_TRUE(cache.Get(Entry("second"), DType::kFloat32).ok());
  EXPECT_EQ(cache.FreeBytes(), bytes_ + 2 * adapter_bytes_);
  ASSERT_TRUE(cache.Get(Entry("b"), DType::kFloat32).ok());
  EXPECT_THAT(Names(cache), ElementsAre("b"));
}

TEST_F(AdapterCacheTest, IdleEnginesOfAdaptersHoldNothing) {
  ModelCache cache(Options(bytes_ + 2 * adapter_bytes_), metrics_);
  {
    const auto model = cache.Get(Entry("first"), DType::kFloat32).value();
    cache.KeepEngine(*model, EngineKind::kReference, MakeEngine(EngineKind::kReference, model).value());
  }
  EXPECT_EQ(cache.FreeBytes(), bytes_ + 2 * adapter_bytes_);
  cache.EvictUnused();
  EXPECT_THAT(Names(cache), IsEmpty());
}

TEST_F(AdapterCacheTest, ABaseThatDoesNotFitIsToldOfTheAdapter) {
  ModelCache cache(Options(bytes_), metrics_);
  EXPECT_EQ(ReasonOf(cache.CheckFits(Entry("first"), DType::kFloat32)), "MODEL_TOO_LARGE");
  EXPECT_EQ(ReasonOf(cache.Get(Entry("first"), DType::kFloat32).status()), "MODEL_TOO_LARGE");
  EXPECT_THAT(Names(cache), IsEmpty());
}

}  // namespace
}  // namespace headscope::worker
