// The command line's grammar: flags (--name VALUE, --name=VALUE, --switch, -o VALUE), positionals, and -- which ends
// the flags. Every error is a UsageError.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/exit_status.h"
#include "client/cli/suggestions.h"
#include "client/headscope/options.h"

namespace headscope::cli {

struct Flag {
  // Without dashes.
  std::string name;
  // What the value is called in the help ("FILE"); empty for a switch, which takes none.
  std::string value;
  std::string help;
  // Short form; 0: none.
  char letter = 0;
};

// Parsed arguments. Immutable.
class Arguments {
 public:
  // `known` flags only.
  static absl::StatusOr<Arguments> Parse(const std::vector<std::string>& arguments, const std::vector<Flag>& known);

  bool Has(const std::string& flag) const { return values_.count(flag) > 0; }
  // The last value given.
  std::optional<std::string> Get(const std::string& flag) const;
  // All values, in order.
  std::vector<std::string> GetAll(const std::string& flag) const;
  const std::vector<std::string>& positionals() const { return positionals_; }

  // Typed values; nothing when the flag was not given.
  absl::StatusOr<std::optional<std::uint64_t>> Number(const std::string& flag, std::uint64_t least,
                                                      std::uint64_t most) const;
  absl::StatusOr<std::optional<double>> Real(const std::string& flag) const;
  absl::StatusOr<std::optional<bool>> Boolean(const std::string& flag) const;
  // K=V pairs of a flag that may be repeated.
  absl::StatusOr<std::map<std::string, std::string>> Pairs(const std::string& flag) const;
  // The parts of a list "A,B,C", of all values in order.
  std::vector<std::string> List(const std::string& flag) const;
  // Changes `value` when the flag was given.
  template <typename Enum>
  absl::Status Choice(const std::string& flag, Enum& value) const {
    const std::optional<std::string> text = Get(flag);
    if (!text) return absl::OkStatus();
    const std::optional<Enum> chosen = client::FromName<Enum>(*text);
    if (!chosen) return NotOneOf(flag, *text, client::NamesOf<Enum>());
    value = *chosen;
    return absl::OkStatus();
  }

  // The error for a value that is none of `known`.
  static absl::Status NotOneOf(const std::string& flag, const std::string& text, const std::vector<std::string>& known);

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> positionals_;
};

// Where in `arguments` the command stands: behind any number of `global` flags. Nothing when there is none.
absl::StatusOr<std::optional<std::size_t>> FindCommand(const std::vector<std::string>& arguments,
                                                       const std::vector<Flag>& global);

}  // namespace headscope::cli
