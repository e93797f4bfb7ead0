#include "server/store/sqlite/catalogue.h"

#include "absl/strings/str_cat.h"

namespace headscope::server::sqlite {
namespace {

constexpr char kSelect[] =
    "SELECT worker_id, model, digest, family, layers, heads, kv_heads, head_dim, vocabulary, positions, parameters,"
    " weight_bytes, stored_dtype, has_tokenizer, unsupported, tokenizer_unsupported, tokenizer_digest,"
    " batch_tokens, details FROM catalogue ";

CatalogueEntry ReadEntry(const Rows& rows) {
  CatalogueEntry entry;
  entry.model = rows.Text(1);
  entry.digest = rows.Text(2);
  entry.family = rows.Text(3);
  entry.layers = rows.Uint32(4);
  entry.heads = rows.Uint32(5);
  entry.kv_heads = rows.Uint32(6);
  entry.head_dim = rows.Uint32(7);
  entry.vocabulary = rows.Uint32(8);
  entry.positions = rows.Uint32(9);
  entry.parameters = rows.Uint(10);
  entry.weight_bytes = rows.Uint(11);
  entry.stored_dtype = rows.Text(12);
  entry.has_tokenizer = rows.Bool(13);
  entry.unsupported = rows.Text(14);
  entry.tokenizer_unsupported = rows.Text(15);
  entry.tokenizer_digest = rows.Text(16);
  entry.batch_tokens = rows.Uint32(17);
  entry.details = rows.Text(18);
  return entry;
}

}  // namespace

void PutCatalogue(Database& db, const std::string& worker_id, const std::vector<CatalogueEntry>& entries) {
  db.Run("DELETE FROM catalogue WHERE worker_id = ?", worker_id);
  for (const CatalogueEntry& entry : entries) {
    db.Run("INSERT OR REPLACE INTO catalogue VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
           worker_id, entry.model, Blob{entry.digest}, entry.family, entry.layers, entry.heads, entry.kv_heads,
           entry.head_dim, entry.vocabulary, entry.positions, entry.parameters, entry.weight_bytes, entry.stored_dtype,
           entry.has_tokenizer, entry.unsupported, entry.tokenizer_unsupported, Blob{entry.tokenizer_digest},
           entry.batch_tokens, Blob{entry.details});
  }
}

std::vector<std::pair<std::string, CatalogueEntry>> ReadCatalogue(Database& db) {
  std::vector<std::pair<std::string, CatalogueEntry>> entries;
  Rows rows = db.Query(absl::StrCat(kSelect, "ORDER BY worker_id, model"));
  while (rows.Next()) entries.emplace_back(rows.Text(0), ReadEntry(rows));
  return entries;
}

std::optional<CatalogueEntry> FindEntry(Database& db, const std::string& model, const std::string& digest) {
  Rows rows = db.Query(absl::StrCat(kSelect, "WHERE model = ? AND digest = ? LIMIT 1"), model, Blob{digest});
  if (!rows.Next()) return std::nullopt;
  return ReadEntry(rows);
}

std::optional<CatalogueEntry> EntryOfHolder(Database& db, const std::string& session, const std::string& model,
                                            const std::string& digest) {
  Rows rows = db.Query(
      absl::StrCat(kSelect, "WHERE model = ? AND worker_id = (SELECT worker_id FROM worker WHERE session = ?)"), model,
      session);
  if (rows.Next()) {
    CatalogueEntry entry = ReadEntry(rows);
    if (entry.digest.empty() || entry.digest == digest) return entry;
  }
  return FindEntry(db, model, digest);
}

std::optional<CatalogueEntry> AgreedEntry(Database& db, const std::string& model, const std::string& digest) {
  Rows rows = db.Query(absl::StrCat(kSelect,
                                    "WHERE model = ? AND length(digest) > 0 AND worker_id IN"
                                    " (SELECT worker_id FROM worker WHERE session IS NOT NULL)"),
                       model);
  std::optional<CatalogueEntry> agreed;
  while (rows.Next()) {
    CatalogueEntry entry = ReadEntry(rows);
    if (!digest.empty() && entry.digest != digest) continue;
    if (agreed && agreed->digest != entry.digest) return std::nullopt;
    agreed = std::move(entry);
  }
  return agreed;
}

std::uint32_t AgreeableBatchTokens(Database& db, const std::string& model, const std::string& digest) {
  Rows rows = db.Query(
      "SELECT COALESCE(MIN(batch_tokens), 0) FROM catalogue WHERE model = ? AND digest = ? AND batch_tokens > 0"
      " AND worker_id IN (SELECT worker_id FROM worker WHERE session IS NOT NULL)",
      model, Blob{digest});
  return rows.Next() ? rows.Uint32(0) : 0;
}

}  // namespace headscope::server::sqlite
