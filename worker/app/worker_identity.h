// The name under which a worker is known to its server.
#pragma once

#include <string>

namespace headscope::worker {

// A name taken for as long as this object lives: another process of this machine that asks for the same one gets it
// with a number, so that two workers on one model root do not end each other's sessions. Move-only.
class WorkerIdentity {
 public:
  // From the host's name and the canonical model root: the same after a restart.
  static WorkerIdentity Claim(const std::string& model_root);
  ~WorkerIdentity();
  WorkerIdentity(WorkerIdentity&& other) noexcept;
  WorkerIdentity& operator=(WorkerIdentity&&) = delete;

  const std::string& id() const { return id_; }

 private:
  WorkerIdentity(std::string id, int descriptor) : id_(std::move(id)), descriptor_(descriptor) {}

  std::string id_;
  // An abstract socket whose name is the claim; -1: unclaimed.
  int descriptor_;
};

}  // namespace headscope::worker
