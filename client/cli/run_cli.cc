#include "client/cli/run_cli.h"

#include <ostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/exit_status.h"
#include "client/cli/help.h"
#include "proto/support/utf8.h"

namespace headscope::cli {
namespace {

constexpr char kDefaultServer[] = "127.0.0.1:50051";

std::vector<std::string> CommandNames() {
  std::vector<std::string> names = {"help"};
  for (const Command* command : Commands()) names.push_back(command->name);
  return names;
}

absl::Status UnknownCommand(const std::string& name) {
  return UsageError(absl::StrCat("unknown command \"", name, "\"", DidYouMean(name, CommandNames())));
}

std::string ServerAddress(const Arguments& arguments, const Environment& environment) {
  if (const auto server = arguments.Get("server")) return *server;
  const std::string variable = environment.variable ? environment.variable("HEADSCOPE_SERVER") : "";
  return variable.empty() ? kDefaultServer : variable;
}

// HOST:PORT; other gRPC targets ("unix:/run/headscope") have a scheme and pass.
absl::Status CheckAddress(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  int port = 0;
  const bool formed = colon != std::string::npos && colon > 0 && absl::SimpleAtoi(address.substr(colon + 1), &port) &&
                      port > 0 && port < 65536;
  if (formed || absl::StartsWith(address, "unix:")) return absl::OkStatus();
  return UsageError(absl::StrCat("--server: wanted HOST:PORT, found \"", address, "\""));
}

absl::Status ReadFormat(const Arguments& arguments, Session& session) {
  const auto name = arguments.Get("format");
  if (!name) return absl::OkStatus();
  session.format_given = true;
  if (*name == "table") {
    session.format = Format::kTable;
  } else if (*name == "json") {
    session.format = Format::kJson;
  } else if (*name == "csv") {
    session.format = Format::kCsv;
  } else {
    return Arguments::NotOneOf("format", *name, {"table", "json", "csv"});
  }
  return absl::OkStatus();
}

// "P..." is a list, whose limit is named; else an argument is named that has no place.
absl::Status TooManyPositionals(const Command& command, const std::vector<std::string>& given) {
  if (absl::StrContains(command.positionals, "...")) {
    return UsageError(absl::StrCat(command.name, ": at most ", command.most_positionals, " arguments ",
                                   command.positionals, " fit into one call, found ", given.size(),
                                   "; name fewer, or divide them among several calls"));
  }
  return UsageError(absl::StrCat(command.name, ": \"", given[command.most_positionals], "\" is one argument too many",
                                 command.positionals.empty() ? "" : ", wanted ", command.positionals));
}

absl::Status CheckPositionals(const Command& command, const Arguments& arguments) {
  const std::size_t given = arguments.positionals().size();
  if (given < command.least_positionals) {
    return UsageError(absl::StrCat(command.name, " needs ", command.positionals));
  }
  if (given > command.most_positionals) return TooManyPositionals(command, arguments.positionals());
  return absl::OkStatus();
}

// What is sent to the server as text has to be UTF-8; names of files do not.
absl::Status CheckUtf8(const Arguments& arguments) {
  std::vector<std::string> texts = arguments.positionals();
  for (const char* flag :
       {"model", "models", "task", "label", "response", "name", "family", "origin", "component", "floor", "cap"}) {
    for (const std::string& value : arguments.GetAll(flag)) texts.push_back(value);
  }
  for (const std::string& text : texts) {
    if (!IsUtf8(text)) return UsageError("an argument is not valid UTF-8");
  }
  return absl::OkStatus();
}

int Finish(const absl::StatusOr<int>& exit_status, const Session& session, const std::string& command) {
  if (absl::IsCancelled(exit_status.status()) && session.interrupted()) {
    session.err() << "headscope: stopped\n";
    return kDetached;
  }
  if (!exit_status.ok()) {
    PrintError(session.err(), exit_status.status(), session.server(), command);
    return ExitStatusOf(exit_status.status());
  }
  session.out().flush();
  if (session.out().good()) return *exit_status;
  session.err() << "headscope: the result could not be written to standard output\n";
  return kFailed;
}

int RunCommand(const Command& command, const std::vector<std::string>& rest, const Environment& environment) {
  std::vector<Flag> flags = GlobalFlags();
  flags.insert(flags.end(), command.flags.begin(), command.flags.end());
  const auto arguments = Arguments::Parse(rest, flags);
  if (!arguments.ok()) {
    PrintError(*environment.err, arguments.status(), "", command.name);
    return kRefused;
  }
  if (arguments->Has("help")) {
    PrintHelp(*environment.out, command);
    return kDone;
  }
  Session session(environment, ServerAddress(*arguments, environment));
  absl::Status status = CheckAddress(session.server());
  status.Update(ReadFormat(*arguments, session));
  status.Update(CheckPositionals(command, *arguments));
  status.Update(CheckUtf8(*arguments));
  if (!status.ok()) return Finish(status, session, command.name);
  return Finish(command.run(session, *arguments), session, command.name);
}

// Without a command: --help, --version, or a mistake.
int RunBare(const std::vector<std::string>& arguments, const Environment& environment) {
  const auto parsed = Arguments::Parse(arguments, GlobalFlags());
  if (parsed.ok() && parsed->Has("version")) {
    *environment.out << "headscope " << HEADSCOPE_VERSION << "\n";
    return kDone;
  }
  if (parsed.ok() && parsed->Has("help")) {
    PrintOverview(*environment.out);
    return kDone;
  }
  PrintOverview(*environment.err);
  return kRefused;
}

int RunHelp(const std::vector<std::string>& topics, const Environment& environment) {
  if (topics.empty() || absl::StartsWith(topics[0], "-")) {
    PrintOverview(*environment.out);
    return kDone;
  }
  const Command* command = FindCommandByName(topics[0]);
  if (command == nullptr) {
    PrintError(*environment.err, UnknownCommand(topics[0]), "", "");
    return kRefused;
  }
  PrintHelp(*environment.out, *command);
  return kDone;
}

}  // namespace

int RunCli(const std::vector<std::string>& arguments, const Environment& environment) {
  const auto position = FindCommand(arguments, GlobalFlags());
  if (!position.ok()) {
    PrintError(*environment.err, position.status(), "", "");
    return kRefused;
  }
  if (!*position) return RunBare(arguments, environment);
  const std::string& name = arguments[**position];
  std::vector<std::string> rest = arguments;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(**position));
  if (name == "help") {
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(**position));
    return RunHelp(rest, environment);
  }
  const Command* command = FindCommandByName(name);
  if (command != nullptr) return RunCommand(*command, rest, environment);
  PrintError(*environment.err, UnknownCommand(name), "", "");
  return kRefused;
}

}  // namespace headscope::cli
