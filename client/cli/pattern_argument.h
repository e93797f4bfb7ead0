// P on the command line: a job id, a pattern id, or a file; and what is done to it before an analysis.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/headscope/analysis.h"
#include "client/headscope/client.h"

namespace headscope::cli {

// What P may be, for descriptions of commands.
extern const char kPatternHelp[];

// --base, --allow-different-models and the reduction flags: every analysis takes them.
std::vector<Flag> PatternFlags();

// Reads files; asks the server nothing.
absl::StatusOr<client::PatternReference> ReadPattern(const std::string& argument);
absl::StatusOr<std::vector<client::PatternReference>> ReadPatterns(const std::vector<std::string>& arguments);

// `pattern` less `base`.
void Subtract(const client::PatternReference& base, client::PatternReference& pattern);
// All less --base, where it is given.
absl::Status SubtractBase(const Arguments& arguments, std::vector<client::PatternReference>& patterns);

// Reduction flags over the reduction of each stored one's job; files stay what they are.
absl::Status ApplyReduction(client::Client& client, const Arguments& arguments,
                            std::vector<client::PatternReference>& patterns);

// As a person knows it: "p-...", a file, "after - before".
std::string NameOf(const client::PatternIdentity& pattern);
std::vector<std::string> NamesOf(const std::vector<client::PatternIdentity>& patterns);

// The matrix itself: a file's, or the server's; without what is subtracted.
absl::StatusOr<client::Pattern> FetchPattern(client::Client& client, const client::PatternReference& reference);

}  // namespace headscope::cli
