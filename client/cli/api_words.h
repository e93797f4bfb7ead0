// The server speaks of the API's fields and calls; who uses the command line knows its flags and commands.
#pragma once

#include <string>

namespace headscope::cli {

struct Command;

// What an error says, in the words of `command` (null: of none in particular):
// "header.diversity.max_cosine: is 2" becomes "--max-cosine: is 2"; "ListModels names them" becomes "`headscope models`
// names them". An element of a list is counted from 1: "components[2].name" becomes "--component (number 3)". What
// stands in quotes, and what is no word of the API, stays.
std::string InWordsOf(const Command* command, const std::string& text);

}  // namespace headscope::cli
