// Patterns as records: every succeeded job's, and imported ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "server/jobs/job.h"

namespace headscope::server {

// What a pattern is, without its values.
struct PatternRecord {
  std::string id;  // "p-..."; of job "j-x": "p-x"
  // Grows with every pattern: the order of lists.
  std::int64_t number = 0;
  // The job whose planes it is reduced from; empty for an imported one.
  std::string job;
  // Imported: SHA-256 in hex of the blob that DecodePattern reads.
  std::string blob;
  std::string display_name;
  // Imported: where it comes from, in the importer's words.
  std::string origin;
  // Of the model: path, digest (32 raw bytes) and facts, as the job had pinned them or the importer knew them; empty or
  // 0 where not known. `facts.layers` and `facts.heads` are an imported matrix's shape.
  std::string model;
  std::string model_digest;
  ModelFacts facts;
  // That of the job's own reduction; an imported matrix has the columns that it has.
  HeadAxis head_axis = HeadAxis::kQuery;
  std::map<std::string, std::string> labels;
  // Samples it is the mean of; 0: not known.
  std::uint64_t samples = 0;
  absl::Time create_time;

  // Columns of the pattern: [layers, columns] is its shape. 0 where not known.
  std::uint32_t columns() const { return head_axis == HeadAxis::kKvGroup ? facts.kv_heads : facts.heads; }
};

// A pattern as a client imports it: a record without id, number, job and time.
struct NewPattern {
  PatternRecord record;
  // Empty: not idempotent.
  std::string request_id;
  // Digest of the canonical request, compared when request_id is seen again.
  std::string request_hash;
};

}  // namespace headscope::server
