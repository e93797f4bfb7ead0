#include "worker/app/worker_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace headscope::worker {
namespace {

// A root of this test process only.
std::string Root(const std::string& name) { return "/models/" + name + "/" + std::to_string(::getpid()); }

TEST(WorkerIdentityTest, IsTheSameAfterARestart) {
  std::string first;
  {
    const WorkerIdentity identity = WorkerIdentity::Claim(Root("restart"));
    first = identity.id();
  }
  EXPECT_EQ(WorkerIdentity::Claim(Root("restart")).id(), first);
}

TEST(WorkerIdentityTest, DiffersBetweenWorkersOfOneRoot) {
  const WorkerIdentity first = WorkerIdentity::Claim(Root("shared"));
  const WorkerIdentity second = WorkerIdentity::Claim(Root("shared"));
  EXPECT_EQ(second.id(), first.id() + "-2");
}

TEST(WorkerIdentityTest, DiffersBetweenRoots) {
  EXPECT_NE(WorkerIdentity::Claim(Root("a")).id(), WorkerIdentity::Claim(Root("b")).id());
}

}  // namespace
}  // namespace headscope::worker
