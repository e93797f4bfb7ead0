// The client library's values as JSON: the keys that scripts depend on stand here.
#pragma once

#include <string>

#include "client/headscope/dataset.h"
#include "client/headscope/job.h"
#include "client/headscope/model.h"
#include "client/headscope/pattern.h"
#include "nlohmann/json.hpp"

namespace headscope::cli {

// Keys keep the order in which they are written.
using Json = nlohmann::ordered_json;

// One line. Invalid UTF-8 is replaced.
std::string Text(const Json& json);

// "sha256:<hex>"; null for no digest.
Json DigestJson(const std::string& digest);
// The resolved flags of a job in snake_case; `limit` only where the rows were read by this command.
Json OptionsJson(const client::JobSpec& spec, const client::ReductionOptions& reduction,
                 const std::optional<std::uint64_t>& limit);
// Null unless the loss scale is batch-token-mean.
Json ScriptBatchJson(const client::ReductionOptions& reduction);
// Nested arrays [rows][columns].
Json MatrixJson(const client::Matrix& matrix);
Json ProvenanceJson(const client::Provenance& provenance, const std::vector<client::InvalidSample>& skipped);
Json InvalidSamplesJson(const std::vector<client::InvalidSample>& samples);
Json JobJson(const client::Job& job);
Json ModelJson(const client::Model& model);
Json DatasetJson(const client::Dataset& dataset);

}  // namespace headscope::cli
