// The files of a data folder by name, and small steps with them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/database.h"

namespace headscope::server {

constexpr char kDatabaseFile[] = "headscope.sqlite";
// Of a backup that has not come to its end: no server takes a folder that has one.
constexpr char kUnfinishedDatabase[] = "headscope.sqlite.unfinished";
constexpr char kStoreFile[] = "store.json";

std::string PathOfBlob(const std::string& directory, const std::string& blob);
// A file of no bytes is none: SQLite makes a new database of it.
bool HasDatabase(const std::string& directory);
bool Exists(const std::string& path);
// Whether a file beneath `blobs` bears a blob's name; those in quarantine count.
absl::StatusOr<bool> HoldsBlobs(const std::string& directory);
// Every blob that a row refers to, in order.
std::vector<std::string> ReferencedBlobs(sqlite::Database& db);
// Bytes that this user may still write where `path` is.
absl::StatusOr<std::uint64_t> FreeBytes(const std::string& path);
// Of the database's file and its write-ahead log.
std::uint64_t DatabaseBytes(const std::string& directory);
// Replaces the file in one step; durable when it returns OK. Mode 0600.
absl::Status ReplaceFile(const std::string& directory, const std::string& name, const std::string& content);
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, const std::string& directory);

}  // namespace headscope::server
