// What a worker counts, for Prometheus.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace headscope::worker {

// The parts of a shard's way through the worker.
enum class Stage { kFetch, kTokenise, kLoad, kScore, kUpload };

// Names begin with headscope_worker_ or headscope_model_; labels are models of the catalogue, phases and outcomes only.
// Thread-safe.
class Metrics {
 public:
  // What headscope_worker_build_info says.
  Metrics(const std::string& version, const std::string& torch_version, const std::string& device);
  ~Metrics();

  void ObserveStage(Stage stage, double seconds);
  // One batch was run: real tokens, padding a padding engine adds to them, samples.
  void ObserveBatch(const std::string& model, std::uint64_t tokens, std::uint64_t padded_tokens, std::uint64_t samples);
  void ModelLoaded(bool ok, double seconds);
  void ModelEvicted(const std::string& reason);
  // Bytes by model.
  void SetResident(const std::map<std::string, std::int64_t>& bytes);
  void OutOfMemory();
  // `phase`: prepare, score, tokenize. `outcome`: completed, failed, released, abandoned.
  void ShardEnded(const std::string& phase, const std::string& outcome);
  void SessionOpened();
  // Whether the server answers now.
  void SetConnected(bool connected);

  // Everything in Prometheus' text format.
  std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace headscope::worker
