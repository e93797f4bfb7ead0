// Messages of sweeps to and from the plain values of this library.
#pragma once

#include "client/headscope/sweep.h"
#include "headscope/v1/sweep.pb.h"

namespace headscope::client {

v1::SweepSpec ToProto(const SweepSpec& spec);
Sweep FromProto(const v1::Sweep& sweep);

}  // namespace headscope::client
