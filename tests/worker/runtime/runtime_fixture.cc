#include "tests/worker/runtime/runtime_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <utility>

#include "tests/worker/tokenizer/tiny_tokenizer.h"
#include "worker/model/model.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;

class InterceptingEngine : public Engine {
 public:
  InterceptingEngine(std::unique_ptr<Engine> engine,
                     std::function<absl::Status(const PackedBatch&, const CancelCheck&)> before)
      : engine_(std::move(engine)), before_(std::move(before)) {}

  std::string_view name() const override { return engine_->name(); }
  absl::StatusOr<std::vector<double>> Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                 const CancelCheck& cancelled) override {
    const absl::Status status = before_(batch, cancelled);
    if (!status.ok()) return status;
    return engine_->Objectives(batch, gates, cancelled);
  }
  absl::StatusOr<GateGradients> Gradients(const PackedBatch& batch, const CancelCheck& cancelled) override {
    const absl::Status status = before_(batch, cancelled);
    if (!status.ok()) return status;
    return engine_->Gradients(batch, cancelled);
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::function<absl::Status(const PackedBatch&, const CancelCheck&)> before_;
};

std::unique_ptr<ModelCatalogue> OpenCatalogue(const std::string& root) {
  auto catalogue = ModelCatalogue::Open({.root = root});
  EXPECT_TRUE(catalogue.ok()) << catalogue.status();
  return *std::move(catalogue);
}

}  // namespace

void AddGoldenModel(const TempDirectory& root, const std::string& family, const std::string& name,
                    bool with_tokenizer) {
  const fs::path directory = root.File(name);
  fs::create_directories(directory);
  for (const char* file : {"config.json", "model.safetensors"}) {
    fs::copy_file(fs::path(GoldenDirectory(family)) / file, directory / file, fs::copy_options::overwrite_existing);
    fs::permissions(directory / file, fs::perms::owner_write, fs::perm_options::add);
  }
  if (with_tokenizer) WriteModelFile(root, name, "tokenizer.json", TinyTokenizerJson().dump());
}

void WriteModelFile(const TempDirectory& root, const std::string& name, const std::string& file,
                    const std::string& bytes) {
  WriteFileOrDie(root.File(name + "/" + file), bytes);
}

std::vector<GoldenSample> ReadGolden(const std::string& family) {
  const auto expected = nlohmann::json::parse(ReadFileOrDie(GoldenDirectory(family) + "/expected.json"));
  std::istringstream rows(ReadFileOrDie(GoldenDirectory(family) + "/samples.jsonl"));
  std::vector<GoldenSample> samples;
  for (std::string row; std::getline(rows, row);) {
    const auto parsed = nlohmann::json::parse(row);
    GoldenSample golden;
    golden.sample.id = parsed["id"].get<std::string>();
    golden.sample.input = TokenIds{.ids = parsed["token_ids"].get<std::vector<std::uint32_t>>(),
                                   .prompt_tokens = parsed["prompt_tokens"].get<std::uint32_t>()};
    const auto& values = expected["samples"][samples.size()];
    golden.objective = values["nll"].get<double>();
    for (const auto& layer : values["signed"]) {
      for (const auto& score : layer) golden.scores.push_back(score.get<double>());
    }
    samples.push_back(std::move(golden));
  }
  return samples;
}

Runtime::Runtime(const TempDirectory& root, EngineFactory make_engine, std::int64_t budget_bytes)
    : metrics("test", "test", "cpu"),
      catalogue(OpenCatalogue(root.path())),
      device(1),
      models({.budget_bytes = budget_bytes, .device = "cpu", .root = catalogue->root()}, metrics),
      tokenizers(catalogue->root(), 2, [this](const ModelEntry& model) { return catalogue->CheckUnchanged(model); }),
      session({.catalogue = *catalogue,
               .models = models,
               .tokenizers = tokenizers,
               .device = device,
               .metrics = metrics,
               .make_engine = make_engine ? std::move(make_engine) : EngineFactory(MakeEngine)}) {}

ShardInput Runtime::GoldenShard(const std::string& name, const std::string& family, std::uint32_t batch_tokens) {
  ShardInput shard;
  shard.model = name;
  const auto entry = catalogue->Resolve(name, {});
  EXPECT_TRUE(entry.ok()) << entry.status();
  shard.model_digest = entry.ok() ? entry->digest : "";
  shard.batch_tokens = batch_tokens;
  std::uint32_t index = 100;
  for (GoldenSample& golden : ReadGolden(family)) shard.samples.push_back({index++, std::move(golden.sample)});
  return shard;
}

EngineFactory InterceptedEngine(std::function<absl::Status(const PackedBatch&, const CancelCheck&)> before) {
  return [before = std::move(before)](EngineKind kind,
                                      std::shared_ptr<const Model> model) -> absl::StatusOr<std::unique_ptr<Engine>> {
    absl::StatusOr<std::unique_ptr<Engine>> engine = MakeEngine(kind, std::move(model));
    if (!engine.ok()) return engine.status();
    return std::make_unique<InterceptingEngine>(*std::move(engine), before);
  };
}

}  // namespace headscope::worker
