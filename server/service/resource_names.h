// Names of resources as clients write them: `jobs/{id}`, `sweeps/{id}`, `patterns/{id}`, `datasets/{sha256}`,
// `models/{path}`. The part before the slash may be left out.
#pragma once

#include <string>
#include <string_view>

#include "server/service/violations.h"

namespace headscope::server {

// Each returns the bare id, or adds a violation of `field` and returns what is not to be used.
std::string ParseJobName(std::string_view name, const std::string& field, Violations& violations);
std::string ParseSweepName(std::string_view name, const std::string& field, Violations& violations);
// 64 lower-case hex digits.
std::string ParseDatasetName(std::string_view name, const std::string& field, Violations& violations);
// A relative path: parts without "." and "..", at most kMaxModelNameBytes, UTF-8 without control characters.
std::string ParseModelName(std::string_view name, const std::string& field, Violations& violations);
// The id of a pattern ("p-x") under its own name or that of its job.
std::string ParsePatternOrJobName(std::string_view name, const std::string& field, Violations& violations);

std::string JobName(const std::string& id);
std::string SweepName(const std::string& id);
std::string DatasetName(const std::string& digest);
std::string ModelName(const std::string& path);
// Of the pattern `id`, or of the pattern of job `id`.
std::string PatternName(const std::string& id);

}  // namespace headscope::server
