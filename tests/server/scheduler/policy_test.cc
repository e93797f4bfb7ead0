#include "server/scheduler/policy.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

Candidate Waiting(const std::string& name, std::int64_t number) {
  Candidate candidate;
  candidate.shard = name;
  candidate.job = "job of " + name;
  candidate.job_number = number;
  candidate.phase = Phase::kScore;
  candidate.model = "a";
  return candidate;
}

WorkerOffer Offer() {
  WorkerOffer offer;
  offer.catalogue = {{"a", "digest a"}, {"b", "digest b"}, {"unhashed", ""}};
  offer.prepare = true;
  offer.score = true;
  return offer;
}

TEST(ChooseShardTest, NothingWaitsNothingIsChosen) { EXPECT_EQ(ChooseShard({}, Offer()), std::nullopt); }

TEST(ChooseShardTest, OlderJobsComeFirst) {
  EXPECT_EQ(ChooseShard({Waiting("young", 2), Waiting("old", 1), Waiting("younger", 3)}, Offer()), "old");
}

TEST(ChooseShardTest, PriorityComesBeforeAge) {
  Candidate urgent = Waiting("urgent", 9);
  urgent.priority = 1;
  urgent.leased_shards = 7;
  EXPECT_EQ(ChooseShard({Waiting("old", 1), urgent}, Offer()), "urgent");
}

TEST(ChooseShardTest, JobsShareTheWorkers) {
  Candidate busy = Waiting("busy", 1);
  busy.leased_shards = 2;
  Candidate less_busy = Waiting("less busy", 2);
  less_busy.leased_shards = 1;
  EXPECT_EQ(ChooseShard({busy, less_busy}, Offer()), "less busy");
}

TEST(ChooseShardTest, AmongEqualsTheResidentModelIsServed) {
  Candidate other = Waiting("other", 1);
  other.model = "b";
  WorkerOffer offer = Offer();
  offer.resident = {"a"};
  EXPECT_EQ(ChooseShard({other, Waiting("resident", 2)}, offer), "resident");
}

TEST(ChooseShardTest, ResidenceDoesNotHoldBackAJobForLong) {
  Candidate other = Waiting("other", 1);
  other.model = "b";
  other.waited = kAffinityHold;
  WorkerOffer offer = Offer();
  offer.resident = {"a"};
  EXPECT_EQ(ChooseShard({other, Waiting("resident", 2)}, offer), "resident");
  other.waited = kAffinityHold + absl::Milliseconds(1);
  EXPECT_EQ(ChooseShard({other, Waiting("resident", 2)}, offer), "other");
}

TEST(ChooseShardTest, ResidenceDoesNotOutweighFairness) {
  Candidate other = Waiting("other", 2);
  other.model = "b";
  Candidate resident = Waiting("resident", 1);
  resident.leased_shards = 1;
  WorkerOffer offer = Offer();
  offer.resident = {"a"};
  EXPECT_EQ(ChooseShard({other, resident}, offer), "other");
}

TEST(ChooseShardTest, OnlyModelsOfTheCatalogueAreTaken) {
  Candidate unknown = Waiting("unknown", 1);
  unknown.model = "c";
  EXPECT_EQ(ChooseShard({unknown}, Offer()), std::nullopt);
  EXPECT_EQ(ChooseShard({unknown, Waiting("known", 2)}, Offer()), "known");
}

TEST(ChooseShardTest, APinnedJobGoesToTheVeryModel) {
  Candidate pinned = Waiting("pinned", 1);
  pinned.model_digest = "digest a";
  EXPECT_EQ(ChooseShard({pinned}, Offer()), "pinned");
  pinned.model_digest = "another";
  EXPECT_EQ(ChooseShard({pinned}, Offer()), std::nullopt);
  pinned.model = "unhashed";
  EXPECT_EQ(ChooseShard({pinned}, Offer()), std::nullopt);
  pinned.model_digest = "";
  EXPECT_EQ(ChooseShard({pinned}, Offer()), "pinned");
}

TEST(ChooseShardTest, OnlyOfferedPhasesAreTaken) {
  Candidate prepare = Waiting("prepare", 1);
  prepare.phase = Phase::kPrepare;
  const Candidate score = Waiting("score", 2);
  WorkerOffer offer = Offer();
  offer.prepare = false;
  EXPECT_EQ(ChooseShard({prepare, score}, offer), "score");
  offer.score = false;
  EXPECT_EQ(ChooseShard({prepare, score}, offer), std::nullopt);
  offer.prepare = true;
  EXPECT_EQ(ChooseShard({score, prepare}, offer), "prepare");
}

}  // namespace
}  // namespace headscope::server
