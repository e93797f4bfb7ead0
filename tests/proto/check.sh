#!/usr/bin/env bash
# Lints the protos and compares them with the last released ones: tests/proto/check.sh [--accept]
# --accept: what is there now becomes what later changes are compared with. For a release, or, before the first one, for
# a break that CHANGELOG.md tells.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$(tests/wire/environment.sh)
baseline=tests/proto/released.binpb
"$venv/bin/buf" lint proto
if [ "${1:-}" = --accept ]; then
  "$venv/bin/buf" build proto --exclude-source-info -o "$baseline"
  exit 0
fi
"$venv/bin/buf" breaking proto --against "$baseline"
echo "protos: lint is clean, nothing breaks clients of the last release"
