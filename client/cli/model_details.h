// The details of a model, for people and for programs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/cli/json_values.h"
#include "client/headscope/model_details.h"

namespace headscope::cli {

// Adds the details to `model`, a model's JSON object.
void AddDetails(const client::ModelDetails& details, Json& model);

// The details as (field, value), in the order in which they are shown; fields without a value are left out.
std::vector<std::pair<std::string, std::string>> DetailFields(const client::ModelDetails& details);

// "0-4, 6": `layers` in rising order, runs put together.
std::string LayerRanges(const std::vector<std::uint32_t>& layers);

}  // namespace headscope::cli
