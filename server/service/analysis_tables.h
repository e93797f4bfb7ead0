// Which value of the analysis API is which value of the statistics, each pair once.
#pragma once

#include "headscope/v1/analysis.pb.h"
#include "headscope/v1/pattern_service.pb.h"
#include "server/analysis/statistics/decomposition.h"
#include "server/analysis/statistics/ranks.h"
#include "server/analysis/statistics/resampling.h"
#include "server/analysis/statistics/sample_ranking.h"
#include "server/analysis/statistics/similarity.h"
#include "server/service/enum_tables.h"
#include "server/store/job_store.h"

namespace headscope::server {

inline constexpr EnumTable<v1::HeadOrder, HeadOrder, 2> kHeadOrders{
    {{v1::HEAD_ORDER_VALUE, HeadOrder::kValue}, {v1::HEAD_ORDER_MAGNITUDE, HeadOrder::kMagnitude}}};
inline constexpr EnumTable<v1::ShuffleScope, Shuffle, 2> kShuffleScopes{
    {{v1::SHUFFLE_SCOPE_WITHIN_LAYERS, Shuffle::kWithinLayers}, {v1::SHUFFLE_SCOPE_ALL_HEADS, Shuffle::kAllHeads}}};
inline constexpr EnumTable<v1::Measure, Measure, 8> kMeasures{{{v1::MEASURE_PEARSON, Measure::kPearson},
                                                               {v1::MEASURE_SPEARMAN, Measure::kSpearman},
                                                               {v1::MEASURE_KENDALL_TAU_B, Measure::kKendallTauB},
                                                               {v1::MEASURE_COSINE, Measure::kCosine},
                                                               {v1::MEASURE_MSE, Measure::kMse},
                                                               {v1::MEASURE_TOP_K_OVERLAP, Measure::kTopKOverlap},
                                                               {v1::MEASURE_TOP_K_JACCARD, Measure::kTopKJaccard},
                                                               {v1::MEASURE_RBO, Measure::kRankBiasedOverlap}}};
inline constexpr EnumTable<v1::Fit, FitKind, 2> kFits{
    {{v1::FIT_OLS, FitKind::kOrdinary}, {v1::FIT_NNLS, FitKind::kNonNegative}}};
inline constexpr EnumTable<v1::CoefficientIntervals, CoefficientInterval, 3> kCoefficientIntervals{
    {{v1::COEFFICIENT_INTERVALS_NONE, CoefficientInterval::kNone},
     {v1::COEFFICIENT_INTERVALS_BOOTSTRAP_HEADS, CoefficientInterval::kBootstrapHeads},
     {v1::COEFFICIENT_INTERVALS_OLS_STANDARD_ERROR, CoefficientInterval::kOlsStandardError}}};
inline constexpr EnumTable<v1::RankMeasure, RankMeasure, 3> kRankMeasures{
    {{v1::RANK_MEASURE_COSINE, RankMeasure::kCosine},
     {v1::RANK_MEASURE_PEARSON, RankMeasure::kPearson},
     {v1::RANK_MEASURE_PROJECTION, RankMeasure::kProjection}}};
inline constexpr EnumTable<v1::ListPatternsRequest::Source, PatternFilter::Source, 2> kPatternSources{
    {{v1::ListPatternsRequest::SOURCE_JOB, PatternFilter::Source::kJob},
     {v1::ListPatternsRequest::SOURCE_IMPORTED, PatternFilter::Source::kImported}}};

}  // namespace headscope::server
