// Tokenises one text for who wants to see how a model reads it.
#pragma once

#include "worker/runtime/shard_session.h"

namespace headscope::worker {

// Implements ShardSession::Tokenize. Failures: INVALID_TEXT, NO_TOKENIZER, or what looking up the model gives.
ShardOutcome<TokenizeResult> TokenizeText(ShardSessionParts& parts, const TokenizeInput& input,
                                          const ShardControl& control);

}  // namespace headscope::worker
