// The digest by which server and worker agree on a shard's results.
#pragma once

#include <string>

#include "headscope/worker/v1/worker_service.pb.h"
#include "proto/support/sha256.h"

namespace headscope {

// Hashes blocks in the order sent: for every block its kind and its fields in field order, counts first, integers as
// u32, objectives as f64, plane by plane in name order name, shape and data. Not the serialised messages.
class BlockDigest {
 public:
  void Add(const worker::v1::ScoreBlock& block);
  void Add(const worker::v1::TokenBlock& block);
  void Add(const worker::v1::PrepareBlock& block);
  void Add(const worker::v1::TokenizeBlock& block);
  // 32 raw bytes. Ends the digest.
  std::string Finish() { return hash_.Finish(); }

 private:
  Sha256 hash_;
};

}  // namespace headscope
