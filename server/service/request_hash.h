// By what a repeated request_id is recognised as the same request.
#pragma once

#include <string>

#include "server/jobs/job.h"
#include "server/jobs/sweep.h"

namespace headscope::server {

// SHA-256 (hex) over an encoding of our own of everything the client asked for, defaults resolved: `spec` before the
// server adds anything, with its dataset. Serialised messages are no canonical encoding.
std::string RequestHash(const JobSpec& spec);
std::string RequestHash(const SweepSpec& spec);

}  // namespace headscope::server
