#include "worker/model/rope_tables.h"

#include <map>

#include <ATen/ATen.h>

#include "worker/model/rope_frequencies.h"

namespace headscope::worker {

BatchRope MakeBatchRope(const RopeSpec& rope, const std::vector<std::int64_t>& lengths, std::int64_t positions,
                        const at::Tensor& like) {
  BatchRope batch;
  std::map<std::vector<float>, std::int64_t> tables;
  std::vector<at::Tensor> cosines, sines;
  for (const std::int64_t length : lengths) {
    const std::vector<float> frequencies = FrequenciesOfLength(rope, length);
    const auto [known, added] = tables.try_emplace(frequencies, static_cast<std::int64_t>(tables.size()));
    batch.table_of_sample.push_back(known->second);
    if (!added) continue;
    const RopeTable table = MakeRopeTable(frequencies, rope.attention_scaling, positions, like);
    cosines.push_back(table.cosine);
    sines.push_back(table.sine);
  }
  batch.tables = static_cast<std::int64_t>(tables.size());
  const bool one = batch.tables == 1;
  batch.table = {one ? cosines[0] : at::cat(cosines), one ? sines[0] : at::cat(sines)};
  return batch;
}

}  // namespace headscope::worker
