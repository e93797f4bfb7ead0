// A program's flags: one table that parses the command line, the environment and a file, and writes the help.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace headscope {

struct Flag {
  // Without dashes: "model-root".
  std::string name;
  // How the help names the value: "DIR". Empty: a switch, whose values are true and false.
  std::string value;
  std::string default_value;
  std::string help;
};

// An address as a flag gives it. IPv6 addresses stand in brackets in text and without them in `host`.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  // "127.0.0.1:50051", "[::1]:50051".
  std::string ToString() const;
  // 127.0.0.0/8, ::1 or "localhost".
  bool IsLoopback() const;
};

// Where a variable of the environment comes from; nullopt: not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
// The process's own.
Environment ProcessEnvironment();

// Values are looked for on the command line, then in the environment (PREFIX and the name in capitals, '-' as '_'),
// then in the file named by --config (lines `name = value`, `#` starts a comment), then in the table. Every table has
// --config FILE, --help and --version besides its own flags. Thread-compatible; immutable once parsed.
//
// Getters check the value and say what was wanted, what was found and where it stood. Asking for a name that is not in
// the table is a bug.
class Flags {
 public:
  // `environment_prefix` is for example "HEADSCOPE_SERVER_".
  Flags(std::string environment_prefix, std::vector<Flag> table);

  // `arguments` are those after the program's name. INVALID_ARGUMENT: an unknown flag (names the nearest), a missing
  // value, a bad line of the file. With --help or --version nothing else is looked at.
  absl::Status Parse(const std::vector<std::string>& arguments, const Environment& environment);
  bool help_wanted() const { return help_wanted_; }
  bool version_wanted() const { return version_wanted_; }
  // Every flag with its default and its variable; `introduction` first.
  std::string Help(const std::string& introduction) const;

  // Given by anyone, as against the table's default.
  bool IsSet(const std::string& name) const;
  std::string Text(const std::string& name) const;
  absl::StatusOr<bool> Boolean(const std::string& name) const;
  absl::StatusOr<std::int64_t> Integer(const std::string& name, std::int64_t least, std::int64_t most) const;
  // "1024", "512KiB", "1.5GiB".
  absl::StatusOr<std::uint64_t> Bytes(const std::string& name) const;
  // "5s", "1m30s"; a bare number is seconds. Not negative.
  absl::StatusOr<absl::Duration> Duration(const std::string& name) const;
  absl::StatusOr<HostPort> Address(const std::string& name) const;
  absl::StatusOr<std::string> Choice(const std::string& name, const std::vector<std::string>& values) const;
  // INVALID_ARGUMENT about a flag's value: what was wanted, what was found, where.
  absl::Status Refuse(const std::string& name, const std::string& wanted) const;

 private:
  struct Value {
    std::string text;
    // "--listen", "HEADSCOPE_SERVER_LISTEN", "server.conf:3"; empty: the default.
    std::string source;
  };

  const Flag* Find(const std::string& name) const;
  const Value& Get(const std::string& name) const;
  std::string VariableOf(const std::string& name) const;
  absl::Status ParseArguments(const std::vector<std::string>& arguments);
  absl::Status ParseFile(const std::string& path);
  void Offer(const std::string& name, std::string text, std::string source);
  absl::Status Unknown(const std::string& name, const std::string& where) const;

  std::string environment_prefix_;
  std::vector<Flag> table_;
  std::map<std::string, Value> values_;
  bool help_wanted_ = false;
  bool version_wanted_ = false;
};

}  // namespace headscope
