// headscope rank: the samples of a pool that are most like a target.
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/analysis_json.h"
#include "client/cli/command.h"
#include "client/cli/npy_pool.h"
#include "client/cli/numbers.h"
#include "client/cli/option_flags.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/text_table.h"
#include "proto/support/limits.h"

namespace headscope::cli {
namespace {

absl::Status CheckRequired(const Arguments& arguments) {
  if (!arguments.Get("target").value_or("").empty() && !arguments.Get("pool").value_or("").empty()) {
    return absl::OkStatus();
  }
  return UsageError("rank needs --target P and --pool JOB|FILE.npy");
}

absl::StatusOr<client::RankOptions> ReadOptions(const Arguments& arguments) {
  client::RankOptions options;
  const auto top = arguments.Number("top", 1, kMaxRankedSamples);
  const auto max_cosine = arguments.Real("max-cosine");
  const auto candidates = arguments.Number("candidates", 1, kMaxRankCandidates);
  absl::Status status = top.status();
  status.Update(max_cosine.status());
  status.Update(candidates.status());
  status.Update(arguments.Choice("measure", options.measure));
  if (!status.ok()) return status;
  if (*candidates && !*max_cosine) return UsageError("--candidates belongs to --max-cosine");
  options.top = top->value_or(options.top);
  if (*max_cosine) options.diversity = client::Diversity{**max_cosine, *candidates};
  options.allow_different_models = arguments.Has("allow-different-models");
  return options;
}

// Says every few seconds how far it is.
class PoolProgress : public client::PoolSource {
 public:
  PoolProgress(NpyPool& pool, Session& session) : pool_(pool), session_(session), said_(Now()) {}

  std::uint32_t layers() const override { return pool_.layers(); }
  std::uint32_t heads() const override { return pool_.heads(); }
  absl::StatusOr<std::optional<client::PoolRows>> Next(std::size_t samples) override {
    if (Now() - said_ >= Interval()) Say();
    return pool_.Next(samples);
  }
  // Ends the redrawn line.
  void Close() {
    if (drawn_) session_.err() << "\r\x1b[K";
  }

 private:
  absl::Time Now() const { return session_.environment().clock->Now(); }
  absl::Duration Interval() const {
    return session_.environment().err_is_terminal ? absl::Milliseconds(200) : absl::Seconds(10);
  }
  void Say() {
    said_ = Now();
    const bool terminal = session_.environment().err_is_terminal;
    drawn_ = terminal;
    session_.err() << (terminal ? "\r" : "headscope: ") << pool_.samples_read() << "/" << pool_.samples()
                   << " samples ranked" << (terminal ? "\x1b[K" : "\n");
    session_.err().flush();
  }

  NpyPool& pool_;
  Session& session_;
  absl::Time said_;
  bool drawn_ = false;
};

absl::StatusOr<client::Ranking> RankFile(Session& session, client::Client& client, NpyPool& pool,
                                         const client::PatternReference& target, const client::RankOptions& options) {
  PoolProgress progress(pool, session);
  auto ranking = client.RankSamples(target, progress, options, session.Hooks());
  progress.Close();
  return ranking;
}

absl::StatusOr<client::Ranking> RankJob(client::Client& client, const Arguments& arguments,
                                        const client::PatternReference& target, const client::RankOptions& options) {
  std::vector<client::PatternReference> pool(1);
  pool.front().name = *arguments.Get("pool");
  if (absl::Status status = ApplyReduction(client, arguments, pool); !status.ok()) return status;
  return client.RankSamples(target, pool.front().name, pool.front().reduction, options);
}

void Print(Session& session, const client::Ranking& ranking, client::RankMeasure measure) {
  if (session.format == Format::kJson) {
    session.out() << Text(RankingJson(ranking, measure));
    return;
  }
  TextTable table({"rank", "id", "score", "position"});
  for (std::size_t i = 0; i < ranking.samples.size(); ++i) {
    const client::RankedSample& sample = ranking.samples[i];
    table.AddRow({absl::StrCat(i + 1), sample.id, ExactNumber(sample.score), absl::StrCat(sample.index)});
  }
  if (session.format == Format::kCsv) return table.PrintCsv(session.out());
  table.PrintAligned(session.out());
  session.err() << "headscope: " << ranking.samples.size() << " of " << Count(ranking.pool_samples, "sample");
  if (ranking.undefined_samples > 0) session.err() << ", " << ranking.undefined_samples << " without a score";
  if (ranking.near_duplicates > 0) session.err() << ", " << ranking.near_duplicates << " near-duplicates left out";
  session.err() << "\n";
  if (ranking.candidates_exhausted) {
    session.err() << "headscope: candidates ran out before --top were found; raise --candidates\n";
  }
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  if (absl::Status status = CheckRequired(arguments); !status.ok()) return status;
  const auto options = ReadOptions(arguments);
  if (!options.ok()) return options.status();
  auto target = ReadPatterns({*arguments.Get("target")});
  if (!target.ok()) return target.status();
  if (absl::Status status = SubtractBase(arguments, *target); !status.ok()) return status;
  const std::string pool_name = *arguments.Get("pool");
  std::optional<NpyPool> pool;
  if (absl::EndsWith(pool_name, ".npy")) {
    auto opened = NpyPool::Open(pool_name, arguments.Get("ids"));
    if (!opened.ok()) return opened.status();
    pool = *std::move(opened);
    if (arguments.Has("magnitudes")) pool->TakeMagnitudes();
  } else if (arguments.Has("ids")) {
    return UsageError("--ids belongs to a --pool FILE.npy; samples of a job have their ids");
  } else if (arguments.Has("magnitudes")) {
    return UsageError("--magnitudes belongs to a --pool FILE.npy; a job's samples are reduced by --absolute");
  }
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = ApplyReduction(**client, arguments, *target); !status.ok()) return status;
  const auto ranking = pool ? RankFile(session, **client, *pool, target->front(), *options)
                            : RankJob(**client, arguments, target->front(), *options);
  if (absl::IsCancelled(ranking.status()) && session.interrupted()) {
    session.err() << "headscope: stopped\n";
    return kDetached;
  }
  if (!ranking.ok()) return ranking.status();
  Print(session, *ranking, options->measure);
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"target", "P", "what samples shall be like"},
      {"pool", "JOB|FILE.npy", "the samples: a job's, or [samples, layers, heads]"},
      {"top", "K", "how many samples are wanted (default 100)"},
      {"measure", "M", "cosine (default), pearson, or projection on the target"},
      {"magnitudes", "", "take |x| of a file's scores: as --absolute per-sample does with a job's"},
      {"ids", "FILE", "ids of a file's samples, one a line (default: 1-based positions)"},
      {"max-cosine", "C",
       "leave out samples more like a better one than this (near-duplicates; default: none are left out)"},
      {"candidates", "N", "with --max-cosine: best samples kept to choose from (default 10 K, at least 1000)"}};
  for (const Flag& flag : PatternFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& RankCommand() {
  static const Command command = {
      "rank",
      "",
      0,
      0,
      "samples of a pool by likeness to a target pattern",
      std::string(
          "Ranks the samples of a pool by how like their own scores are to a pattern, best first; equal scores\n"
          "by id. A file is streamed, however large it is, and its scores are taken as they are. `result ID --samples\n"
          "-o pool.npy` writes signed ones: with a target of magnitudes (the default of jobs) say --magnitudes.\n\n") +
          kPatternHelp,
      Flags(),
      {"rank --target j-math --pool j-pool --top 500 --format json",
       "rank --target j-math --pool pool.npy --magnitudes --ids ids.txt --measure pearson --max-cosine 0.99"},
      Run};
  return command;
}

}  // namespace headscope::cli
