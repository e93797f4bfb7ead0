// Which value of the API is which value of the domain, each pair once.
#pragma once

#include <array>
#include <optional>
#include <utility>

#include "headscope/v1/compute.pb.h"
#include "headscope/v1/job.pb.h"
#include "server/jobs/job.h"
#include "server/jobs/options.h"

namespace headscope::server {

template <typename Proto, typename Domain, std::size_t N>
using EnumTable = std::array<std::pair<Proto, Domain>, N>;

inline constexpr EnumTable<v1::DType, DType, 3> kDTypes{{{v1::DTYPE_FLOAT32, DType::kFloat32},
                                                         {v1::DTYPE_FLOAT64, DType::kFloat64},
                                                         {v1::DTYPE_BFLOAT16, DType::kBFloat16}}};
inline constexpr EnumTable<v1::Engine, EngineKind, 2> kEngines{
    {{v1::ENGINE_FAST, EngineKind::kFast}, {v1::ENGINE_REFERENCE, EngineKind::kReference}}};
inline constexpr EnumTable<v1::OnInvalid, OnInvalid, 2> kOnInvalids{
    {{v1::ON_INVALID_REFUSE, OnInvalid::kRefuse}, {v1::ON_INVALID_SKIP, OnInvalid::kSkip}}};
inline constexpr EnumTable<v1::LossScale, LossScale, 3> kLossScales{
    {{v1::LOSS_SCALE_PER_SAMPLE_MEAN, LossScale::kPerSampleMean},
     {v1::LOSS_SCALE_SUM, LossScale::kSum},
     {v1::LOSS_SCALE_BATCH_TOKEN_MEAN, LossScale::kBatchTokenMean}}};
inline constexpr EnumTable<v1::Absolute, Absolute, 3> kAbsolutes{{{v1::ABSOLUTE_PER_SAMPLE, Absolute::kPerSample},
                                                                  {v1::ABSOLUTE_NONE, Absolute::kNone},
                                                                  {v1::ABSOLUTE_PER_TOKEN, Absolute::kPerToken}}};
inline constexpr EnumTable<v1::Positions, Positions, 3> kPositions{{{v1::POSITIONS_ALL, Positions::kAll},
                                                                    {v1::POSITIONS_PROMPT, Positions::kPrompt},
                                                                    {v1::POSITIONS_RESPONSE, Positions::kResponse}}};
inline constexpr EnumTable<v1::LayerNorm, LayerNorm, 2> kLayerNorms{
    {{v1::LAYER_NORM_NONE, LayerNorm::kNone}, {v1::LAYER_NORM_L2, LayerNorm::kL2}}};
inline constexpr EnumTable<v1::HeadAxis, HeadAxis, 2> kHeadAxes{
    {{v1::HEAD_AXIS_QUERY, HeadAxis::kQuery}, {v1::HEAD_AXIS_KV_GROUP, HeadAxis::kKvGroup}}};

inline constexpr EnumTable<v1::Job::State, JobState, 7> kJobStates{{{v1::Job::QUEUED, JobState::kQueued},
                                                                    {v1::Job::PREPARING, JobState::kPreparing},
                                                                    {v1::Job::RUNNING, JobState::kRunning},
                                                                    {v1::Job::SUCCEEDED, JobState::kSucceeded},
                                                                    {v1::Job::FAILED, JobState::kFailed},
                                                                    {v1::Job::CANCELLED, JobState::kCancelled},
                                                                    {v1::Job::EXPIRED, JobState::kExpired}}};
inline constexpr EnumTable<v1::Attempt::Phase, Phase, 2> kPhases{
    {{v1::Attempt::PREPARE, Phase::kPrepare}, {v1::Attempt::SCORE, Phase::kScore}}};
inline constexpr EnumTable<v1::Attempt::Outcome, Outcome, 6> kOutcomes{
    {{v1::Attempt::OUTCOME_UNSPECIFIED, Outcome::kRunning},
     {v1::Attempt::COMPLETED, Outcome::kCompleted},
     {v1::Attempt::FAILED, Outcome::kFailed},
     {v1::Attempt::RELEASED, Outcome::kReleased},
     {v1::Attempt::WORKER_LOST, Outcome::kWorkerLost},
     {v1::Attempt::CANCELLED, Outcome::kCancelled}}};

// Nullopt for a value that is not in the table: a client of another version, or nonsense.
template <typename Proto, typename Domain, std::size_t N>
constexpr std::optional<Domain> FromTable(const EnumTable<Proto, Domain, N>& table, int value) {
  for (const auto& [proto, domain] : table) {
    if (proto == value) return domain;
  }
  return std::nullopt;
}

// Every value of the domain is in its table.
template <typename Proto, typename Domain, std::size_t N>
constexpr Proto ToProto(const EnumTable<Proto, Domain, N>& table, Domain value) {
  for (const auto& [proto, domain] : table) {
    if (domain == value) return proto;
  }
  return Proto{};
}

}  // namespace headscope::server
