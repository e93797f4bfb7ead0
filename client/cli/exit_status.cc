#include "client/cli/exit_status.h"

#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/api_words.h"
#include "client/cli/command.h"
#include "proto/support/error.h"

namespace headscope::cli {
namespace {

constexpr char kUsage[] = "USAGE";

// An error that no server sent: the connection itself failed.
bool IsConnectionError(const absl::Status& status) { return absl::IsUnavailable(status) && ReasonOf(status).empty(); }

// Without those that the message has told already.
void PrintViolations(std::ostream& err, const absl::Status& status, const ErrorDetails& details,
                     const Command* command) {
  for (const FieldViolation& violation : details.violations) {
    if (absl::StrContains(status.message(), violation.description)) continue;
    err << "  " << InWordsOf(command, absl::StrCat(violation.field, ": ", violation.description)) << "\n";
  }
}

// A server's message in the words of the command; our own are in them already.
std::string MessageOf(const absl::Status& status, const Command* command) {
  const std::string message(status.message());
  return ReasonOf(status).empty() || IsUsageError(status) ? message : InWordsOf(command, message);
}

}  // namespace

absl::Status UsageError(const std::string& message) {
  return MakeError(absl::StatusCode::kInvalidArgument, message, kUsage);
}

bool IsUsageError(const absl::Status& status) { return ReasonOf(status) == kUsage; }

ExitStatus ExitStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAlreadyExists:
      return kRefused;
    case absl::StatusCode::kUnavailable:
      return kUnreachable;
    case absl::StatusCode::kDeadlineExceeded:
      // With a reason it is the server's answer.
      return ReasonOf(status).empty() ? kUnreachable : kFailed;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kNotAllowed;
    default:
      return kFailed;
  }
}

void PrintError(std::ostream& err, const absl::Status& status, const std::string& server, const std::string& command) {
  const ErrorDetails details = DetailsOf(status);
  const Command* const words_of = FindCommandByName(command);
  err << "headscope: " << MessageOf(status, words_of) << "\n";
  PrintViolations(err, status, details, words_of);
  if (details.retry_after) err << "  try again in " << absl::FormatDuration(*details.retry_after) << "\n";
  if (IsUsageError(status)) {
    err << "  see `headscope " << (command.empty() ? "" : absl::StrCat(command, " ")) << "--help`\n";
  } else if (IsConnectionError(status)) {
    err << "  asked: " << server << "; another is named by --server HOST:PORT or the variable HEADSCOPE_SERVER;\n"
        << "  one is started by\n"
        << "    headscope-server --data-dir DIRECTORY --model-root MODELS --local-workers 1 --listen " << server
        << "\n";
  } else if (ReasonOf(status) == "NO_WORKER") {
    err << "  start the server with --local-workers 1, or a worker of its own with\n"
        << "    headscope-worker --server HOST:PORT --model-root MODELS\n"
        << "  where HOST:PORT is what the server's --worker-listen says\n";
  } else if (ReasonOf(status) == "DATASET_DELETED") {
    err << "  rows are uploaded by `headscope attribute --model NAME --data FILE`, and by a new sweep\n";
  } else if (absl::IsDeadlineExceeded(status) && ReasonOf(status).empty()) {
    err << "  the server at " << server << " did not answer in time\n";
  } else if (absl::IsUnimplemented(status)) {
    err << "  what answers at " << server << " is no Headscope server, or one of another version\n";
  }
}

}  // namespace headscope::cli
