#include "worker/runtime/model_catalogue.h"

#include <pthread.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/support/log.h"
#include "worker/model/model.h"
#include "worker/runtime/passing_fault.h"
#include "worker/runtime/tokenizer_cache.h"
#include "worker/runtime/tokenizer_components.h"

namespace headscope::worker {
namespace {

constexpr char kTokenizerFile[] = "tokenizer.json";

}  // namespace

absl::StatusOr<std::unique_ptr<ModelCatalogue>> ModelCatalogue::Open(CatalogueOptions options) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::canonical(options.root, error);
  if (error || !std::filesystem::is_directory(canonical, error)) {
    return absl::NotFoundError(absl::StrCat("the model root \"", options.root, "\" is not a directory that can be read",
                                            error ? absl::StrCat(" (", error.message(), ")") : "",
                                            "; name the directory that holds the model directories"));
  }
  options.root = canonical.string();
  std::unique_ptr<ModelCatalogue> catalogue(new ModelCatalogue(std::move(options)));
  catalogue->Rescan();
  return catalogue;
}

ModelCatalogue::ModelCatalogue(CatalogueOptions options) : options_(std::move(options)) {}

ModelCatalogue::~ModelCatalogue() { Stop(); }

void ModelCatalogue::Start(std::function<void()> changed) {
  changed_ = std::move(changed);
  thread_ = std::thread([this] { Loop(); });
}

void ModelCatalogue::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool ModelCatalogue::Stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void ModelCatalogue::Loop() {
  pthread_setname_np(pthread_self(), "catalogue");
  while (true) {
    while (!Stopping() && CompleteNext()) changed_();
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.rescan_interval)) return;
    }
    if (Rescan()) changed_();
  }
}

BaseCandidates ModelCatalogue::Candidates() const {
  const auto is_adapter = [root = options_.root](const std::string& name) {
    return IsAdapter(absl::StrCat(root, "/", name), root).value_or(false);
  };
  absl::MutexLock lock(&mutex_);
  return {options_.root, names_, is_adapter};
}

ModelCatalogue::Record ModelCatalogue::Describe(const std::string& name) const {
  Record record;
  record.entry.name = name;
  record.entry.directory = record.entry.tokenizer_directory = absl::StrCat(options_.root, "/", name);
  const auto refuse = [&](const absl::Status& status) {
    record.fault = status;
    record.entry.unsupported = std::string(status.message());
    return record;
  };
  absl::StatusOr<ModelStamps> stamps = StampModel(name, Candidates());
  if (!stamps.ok()) return refuse(stamps.status());
  record.stamps = *std::move(stamps);
  record.entry.has_tokenizer = HasTokenizer(record.stamps.own);
  absl::StatusOr<ModelEntry> entry = DescribeEntry(name, record.stamps, options_.root, options_.device);
  if (!entry.ok()) return refuse(entry.status());
  record.entry = *std::move(entry);
  record.due = true;
  return record;
}

ModelCatalogue::Record ModelCatalogue::Refresh(const Record& known) const {
  const absl::StatusOr<ModelStamps> stamps = StampModel(known.entry.name, Candidates());
  const bool same = stamps.ok() && *stamps == known.stamps;
  if (same && !MayPass(known.fault)) return known;
  Record record = Describe(known.entry.name);
  // Whether the old fault is gone shows when the files have been read: until then it stands.
  if (same && record.fault.ok()) {
    record.fault = known.fault;
    record.entry.unsupported = known.entry.unsupported;
  }
  return record;
}

bool ModelCatalogue::Rescan() {
  ScanResult found = FindModels(options_.root, options_.limits);
  Records before;
  {
    absl::MutexLock lock(&mutex_);
    before = records_;
    names_ = found.models;
    if (found.notes != notes_) {
      for (const std::string& note : found.notes) Log(LogLevel::kWarning, "model root", {{"note", note}});
      notes_ = found.notes;
    }
  }
  Records after;
  bool changed = false;
  for (const std::string& name : found.models) {
    const auto known = before.find(name);
    Record record = known == before.end() ? Describe(name) : Refresh(known->second);
    changed = changed || known == before.end() || !(record.entry == known->second.entry);
    after.emplace(name, std::move(record));
  }
  changed = changed || after.size() != before.size();
  absl::MutexLock lock(&mutex_);
  // What was completed meanwhile stays so.
  for (auto& [name, record] : after) {
    const auto now = records_.find(name);
    if (now != records_.end() && now->second.complete && now->second.stamps == record.stamps) record = now->second;
  }
  records_ = std::move(after);
  if (changed) ++version_;
  return changed;
}

absl::StatusOr<ModelCatalogue::TokenizerFacts> ModelCatalogue::ReadTokenizerFacts(const Record& record,
                                                                                  const CancelCheck& cancelled) {
  if (!record.entry.has_tokenizer) return TokenizerFacts();
  const bool own = record.entry.tokenizer_directory == record.entry.directory;
  const std::vector<FileStamp>& stamps = own ? record.stamps.own : record.stamps.of_base;
  const absl::StatusOr<ModelDirectory> directory =
      ModelDirectory::Open(record.entry.tokenizer_directory, options_.root);
  if (!directory.ok()) return directory.status();
  const absl::StatusOr<std::string> digest = digests_.OfTokenizer(*directory, stamps, cancelled);
  if (!digest.ok()) return digest.status();
  {
    absl::MutexLock lock(&mutex_);
    if (const auto known = tokenizers_.find(*digest); known != tokenizers_.end()) return known->second;
  }
  const absl::Status status = ReadTokenizer(*directory).status();
  if (MayPass(status)) return status;
  TokenizerFacts facts = {*digest, std::string(status.message()), TokenizerComponents()};
  if (FindStamp(stamps, kTokenizerFile) != nullptr) {
    const absl::StatusOr<std::string> text = directory->ReadText(kTokenizerFile, kMaxTokenizerBytes);
    if (text.ok()) facts.components = ReadTokenizerComponents(*text);
  }
  return facts;
}

absl::Status ModelCatalogue::Complete(Record& record, const CancelCheck& cancelled) {
  absl::StatusOr<TokenizerFacts> tokenizer = ReadTokenizerFacts(record, cancelled);
  if (!tokenizer.ok()) return tokenizer.status();
  absl::StatusOr<EntryDigests> digests = HashEntry(record.entry, record.stamps, options_.root, digests_, cancelled);
  if (!digests.ok()) return digests.status();
  const absl::StatusOr<ModelStamps> stamps = StampModel(record.entry.name, Candidates());
  if (!stamps.ok()) return stamps.status();
  if (*stamps != record.stamps) {
    return absl::DataLossError(absl::StrCat("the files of model ", record.entry.name, " changed while being hashed"));
  }
  if (!tokenizer->digest.empty()) {
    absl::MutexLock lock(&mutex_);
    tokenizers_[tokenizer->digest] = *tokenizer;
  }
  record.entry.tokenizer_unsupported = std::move(tokenizer->fault);
  record.entry.tokenizer = std::move(tokenizer->components);
  record.entry.tokenizer_digest = std::move(digests->tokenizer);
  record.entry.digest = std::move(digests->model);
  if (record.entry.adapter.has_value()) record.entry.adapter->base_digest = std::move(digests->base);
  record.entry.unsupported.clear();
  record.fault = absl::OkStatus();
  record.complete = true;
  record.due = false;
  return absl::OkStatus();
}

void ModelCatalogue::Publish(const Record& record) {
  absl::MutexLock lock(&mutex_);
  const auto now = records_.find(record.entry.name);
  if (now == records_.end()) return;
  if (!(now->second.entry == record.entry)) ++version_;
  now->second = record;
}

bool ModelCatalogue::CompleteNext() {
  std::optional<Record> next;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, record] : records_) {
      if (!record.due) continue;
      if (!next.has_value() || record.entry.weight_bytes < next->entry.weight_bytes) next = record;
    }
  }
  if (!next.has_value()) return false;
  const absl::Status status = Complete(*next, [this] { return Stopping(); });
  if (absl::IsCancelled(status)) return false;
  if (!status.ok()) {
    // A fault that stays is said once.
    if (status != next->fault) {
      Log(LogLevel::kWarning, "a model could not be hashed",
          {{"model", next->entry.name}, {"error", status.message()}});
    }
    next->fault = status;
    next->entry.unsupported = std::string(status.message());
    next->due = false;
  }
  Publish(*next);
  return true;
}

std::vector<ModelEntry> ModelCatalogue::Entries() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ModelEntry> entries;
  for (const auto& [name, record] : records_) entries.push_back(record.entry);
  return entries;
}

std::uint64_t ModelCatalogue::version() const {
  absl::MutexLock lock(&mutex_);
  return version_;
}

absl::StatusOr<ModelEntry> ModelCatalogue::Resolve(const std::string& name, const CancelCheck& cancelled) {
  Record record;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = records_.find(name);
    if (found == records_.end()) {
      return absl::NotFoundError(absl::StrCat("no model \"", name, "\" beneath this worker's model root"));
    }
    record = found->second;
  }
  if (MayPass(record.fault) || !CheckUnchanged(record.entry).ok()) record = Describe(name);
  if (!record.fault.ok()) {
    Publish(record);
    const std::string text = absl::StrCat("model \"", name, "\": ", record.entry.unsupported);
    if (MayPass(record.fault)) return absl::Status(record.fault.code(), text);
    return absl::FailedPreconditionError(text);
  }
  if (!record.complete) {
    const absl::Status status = Complete(record, cancelled);
    if (!status.ok()) return status;
    Publish(record);
  }
  return record.entry;
}

absl::Status ModelCatalogue::CheckUnchanged(const ModelEntry& entry) {
  ModelStamps known;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = records_.find(entry.name);
    if (found == records_.end() || found->second.entry.digest != entry.digest) {
      return absl::AbortedError(absl::StrCat("model \"", entry.name, "\" is no longer the same"));
    }
    known = found->second.stamps;
  }
  const absl::StatusOr<ModelStamps> stamps = StampModel(entry.name, Candidates());
  if (MayPass(stamps.status()) || absl::IsPermissionDenied(stamps.status())) return stamps.status();
  if (stamps.ok() && *stamps == known) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the files of model \"", entry.name, "\" have changed"));
}

}  // namespace headscope::worker
