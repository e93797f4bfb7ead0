#include "server/analysis/statistics/bootstrap.h"

#include <Eigen/Core>

namespace headscope::server {
namespace {

constexpr std::uint64_t kStream = 0x73616d706c65;
// Fixed, so that sums are formed in one order whatever comes at once.
constexpr std::uint64_t kGathered = 64;

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

SampleBootstrap::SampleBootstrap(const Bootstrap& bootstrap, std::uint64_t samples, std::uint32_t layers,
                                 std::uint32_t heads)
    : sums_{bootstrap.resamples, layers, heads, {}},
      samples_(samples),
      left_(bootstrap.resamples, samples),
      random_(bootstrap.seed, kStream) {
  sums_.values.resize(bootstrap.resamples * sums_.entries());
}

void SampleBootstrap::Add(const std::vector<double>& scores) {
  const double chance = 1.0 / static_cast<double>(samples_ - added_);
  ++added_;
  rows_.insert(rows_.end(), scores.begin(), scores.end());
  for (std::uint64_t& left : left_) {
    const std::uint64_t draws = random_.Binomial(left, chance);
    left -= draws;
    draws_.push_back(static_cast<double>(draws));
  }
  if (rows_.size() == kGathered * sums_.entries()) Flush();
}

void SampleBootstrap::Flush() {
  const auto entries = static_cast<Eigen::Index>(sums_.entries());
  const auto gathered = static_cast<Eigen::Index>(rows_.size()) / entries;
  const auto resamples = Eigen::Index{sums_.resamples};
  Eigen::Map<RowMajor> sums(sums_.values.data(), resamples, entries);
  const Eigen::Map<const RowMajor> rows(rows_.data(), gathered, entries);
  const Eigen::Map<const RowMajor> draws(draws_.data(), gathered, resamples);
  sums.noalias() += draws.transpose() * rows;
  rows_.clear();
  draws_.clear();
}

ResampledPatterns SampleBootstrap::Finish() {
  if (!rows_.empty()) Flush();
  for (double& value : sums_.values) value /= static_cast<double>(samples_);
  return std::move(sums_);
}

}  // namespace headscope::server
