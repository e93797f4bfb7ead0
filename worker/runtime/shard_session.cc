#include "worker/runtime/shard_session.h"

#include "worker/runtime/prepare_shard.h"
#include "worker/runtime/score_shard.h"
#include "worker/runtime/tokenize_text.h"

namespace headscope::worker {

ShardOutcome<PrepareResult> ShardSession::Prepare(const ShardInput& shard, const ShardControl& control) {
  return PrepareShard(parts_, shard, control);
}

ShardOutcome<ScoreResult> ShardSession::Score(const ShardInput& shard, const ShardControl& control) {
  return ScoreShard(parts_, turn_, shard, control).Run();
}

ShardOutcome<TokenizeResult> ShardSession::Tokenize(const TokenizeInput& input, const ShardControl& control) {
  return TokenizeText(parts_, input, control);
}

}  // namespace headscope::worker
