// Collects everything that is wrong with a request, so that the client hears of all of it at once.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace headscope::server {

// Thread-compatible.
class Violations {
 public:
  // `field` is the path in the request, "spec.compute.dtype"; `description` says what was wanted and what was found.
  // `reason` becomes the error's, where all violations share it.
  void Add(std::string field, std::string description, std::string reason = "INVALID_FIELDS");

  bool empty() const { return count_ == 0; }
  // OK when there is none; else INVALID_ARGUMENT with a BadRequest of the first kMaxFieldViolations.
  absl::Status status() const;

 private:
  std::size_t count_ = 0;
  std::vector<FieldViolation> listed_;
  std::string reason_;
};

// Where each value of a list has been seen; a second time is a fault.
class Once {
 public:
  void Check(const std::string& value, const std::string& field, Violations& violations);

 private:
  std::map<std::string, std::string> fields_;
};

}  // namespace headscope::server
