// "did you mean": the known word nearest to a mistyped one.
#pragma once

#include <string>
#include <vector>

namespace headscope::cli {

// " (did you mean \"jobs\"?)", or nothing when no known word is near `text`, in either case of letters. Known words are
// in lower case.
std::string DidYouMean(const std::string& text, const std::vector<std::string>& known);

}  // namespace headscope::cli
