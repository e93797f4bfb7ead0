// SIGKILL at named points and at random moments: whatever was acknowledged before is there afterwards, and nothing is
// done twice. The process that dies is crash_child.cc.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/store/sqlite_store.h"
#include "server/store/unknown_blobs.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

// What a child said before it ended.
struct Said {
  std::vector<std::string> lines;
  bool killed = false;
};

pid_t Spawn(const std::string& directory, const std::string& failpoint, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  std::string program = HEADSCOPE_CRASH_CHILD;
  std::string argument = directory;
  std::string variable = "HEADSCOPE_FAILPOINT=" + failpoint;
  char* arguments[] = {program.data(), argument.data(), nullptr};
  char* environment[] = {variable.data(), nullptr};
  pid_t child = -1;
  EXPECT_EQ(posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environment), 0);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

// Runs a child until it ends; kills it after `lines` lines.
Said RunChild(const std::string& directory, const std::string& failpoint, std::size_t lines) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = Spawn(directory, failpoint, ends[1]);
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
    if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines) kill(child, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  Said said;
  said.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  EXPECT_TRUE(said.killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << text;
  // A last line without its end was not said.
  text.resize(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
  for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty())) said.lines.emplace_back(line);
  return said;
}

// Everything acknowledged so far, over all children.
class CrashTest : public ::testing::Test {
 protected:
  void Take(const Said& said) {
    for (const std::string& line : said.lines) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      if (words[0] == "submitted") {
        const auto [known, is_new] = jobs_.emplace(words[1], words[2]);
        EXPECT_EQ(known->second, words[2]) << "request " << words[1] << " made two jobs";
      } else if (words[0] == "scored") {
        EXPECT_TRUE(scored_.emplace(words[1], std::make_pair(std::stoull(words[2]), words[3])).second)
            << words[1] << " was done again";
      } else {
        EXPECT_EQ(line, "finished");
        finished_ = true;
      }
    }
  }

  void Check() {
    const auto lock = DataDirectory::Lock(directory_.path());
    ASSERT_THAT(lock, IsOk());
    const auto store = OpenSqliteStore(directory_.path(), SystemClock(), random_);
    ASSERT_THAT(store, IsOk());
    const auto found = ReconcileBlobs(directory_.path(), **store, {}, SystemClock().Now());
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->quarantined, 0u) << "files that the store does not know";
    EXPECT_EQ(found->missing, 0u) << "results without their files";
    const auto blobs = OpenFileBlobStore(directory_.path(), found->stored_bytes);
    ASSERT_THAT(blobs, IsOk());
    for (const auto& [request, job] : jobs_) EXPECT_THAT((*store)->GetJob(job), IsOk()) << "request " << request;
    for (const auto& [shard, result] : scored_) {
      LeaseKey key;
      key.shard = shard;
      key.fence = result.first;
      const auto lease = (*store)->CheckLease(key);
      ASSERT_THAT(lease, IsOk());
      EXPECT_EQ(lease->shard.state, ShardState::kDone);
      EXPECT_THAT(GetBlob(**blobs, result.second), IsOk());
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory_.Child("blobs/unfinished")));
    if (finished_) CheckResults(**store, **blobs);
  }

  void CheckResults(JobStore& store, BlobStore& blobs) {
    for (const auto& [request, job] : jobs_) {
      const auto results = store.ResultShards(job);
      ASSERT_THAT(results, IsOk());
      std::uint64_t samples = 0;
      for (const ResultShard& result : *results) {
        const std::string shard = absl::StrCat(job, ".s", result.ordinal);
        EXPECT_THAT(GetBlob(blobs, result.blob), IsOk());
        if (scored_.contains(shard)) {
          EXPECT_EQ(result.blob, scored_[shard].second) << "another result than accepted";
        }
        samples += result.samples.size();
      }
      EXPECT_EQ(samples, store.GetJob(job)->counts.samples_total);
    }
  }

  SeededRandom random_{11};
  TemporaryDirectory directory_;
  std::map<std::string, std::string> jobs_;
  std::map<std::string, std::pair<std::uint64_t, std::string>> scored_;
  bool finished_ = false;
};

TEST_F(CrashTest, NothingAcknowledgedIsLostAtFailpoints) {
  int kills = 0;
  for (const char* point : {"store.before_commit", "store.after_commit", "blob.announced", "blob.before_rename",
                            "blob.after_rename", "blob.before_remove", "blob.after_remove"}) {
    for (int round = 0; round < 5; ++round) {
      const Said said = RunChild(directory_.path(), absl::StrCat(point, ":kill:", 1 + random_.Below(25)), 1'000'000);
      kills += said.killed ? 1 : 0;
      Take(said);
      Check();
      ASSERT_FALSE(HasFailure()) << point;
    }
  }
  EXPECT_GT(kills, 5);
  Take(RunChild(directory_.path(), "", 1'000'000));
  EXPECT_TRUE(finished_);
  Check();
}

TEST_F(CrashTest, NothingAcknowledgedIsLostAtRandomMoments) {
  for (int round = 0; round < 40 && !finished_; ++round) {
    Take(RunChild(directory_.path(), "", 1 + random_.Below(12)));
    Check();
    ASSERT_FALSE(HasFailure());
  }
  Take(RunChild(directory_.path(), "", 1'000'000));
  EXPECT_TRUE(finished_);
  Check();
}

}  // namespace
}  // namespace headscope::server
