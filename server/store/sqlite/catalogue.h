// What workers said they have.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/job.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

void PutCatalogue(Database& db, const std::string& worker_id, const std::vector<CatalogueEntry>& entries);
std::vector<std::pair<std::string, CatalogueEntry>> ReadCatalogue(Database& db);

// Some worker's entry for this very content, workers of the past included.
std::optional<CatalogueEntry> FindEntry(Database& db, const std::string& model, const std::string& digest);
// What the worker that holds `session` says of the model; where it has not hashed it yet or has other content by now,
// what anybody says of this content.
std::optional<CatalogueEntry> EntryOfHolder(Database& db, const std::string& session, const std::string& model,
                                            const std::string& digest);
// The entry that the workers connected now agree on; nullopt when none has a digest yet or they differ. With `digest`,
// only entries of that content count.
std::optional<CatalogueEntry> AgreedEntry(Database& db, const std::string& model, const std::string& digest);
// The smallest batch_tokens that a worker connected now recommends for this content; 0 when none does.
std::uint32_t AgreeableBatchTokens(Database& db, const std::string& model, const std::string& digest);

}  // namespace headscope::server::sqlite
