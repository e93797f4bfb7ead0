// An enum of a request as a value of the domain.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/service/enum_tables.h"
#include "server/service/violations.h"

namespace headscope::server {

// 0 is UNSPECIFIED and stands for `fallback`.
template <typename Proto, typename Domain, std::size_t N>
Domain Choice(const EnumTable<Proto, Domain, N>& table, int value, Domain fallback, const std::string& field,
              Violations& violations) {
  if (value == 0) return fallback;
  const std::optional<Domain> found = FromTable(table, value);
  if (!found) violations.Add(field, absl::StrCat(value, " is no value that this server knows"));
  return found.value_or(fallback);
}

}  // namespace headscope::server
