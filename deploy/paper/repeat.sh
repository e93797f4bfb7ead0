#!/usr/bin/env bash
# Repeats arXiv 2409.15820 at small scale, from a clean clone to results.json, summary.txt and reports.
#   deploy/paper/repeat.sh [--quick] [-o DIR] [--seeds N] [--jobs N]      default DIR: build/paper, or build/paper-quick
# HEADSCOPE_BIN=DIR takes the programs from there instead of installing packages and building them.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
for argument in "$@"; do
  case $argument in
    -h | --help) PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/deploy/paper" exec python3 -m repeat --help ;;
  esac
done
if [ -z "${HEADSCOPE_BIN:-}" ]; then
  echo "== packages" >&2
  "$root/deploy/install-packages.sh" build paper
  echo "== build (minutes the first time, seconds after)" >&2
  (cd "$root" && cmake --preset release -DHEADSCOPE_BUILD_TESTS=OFF >/dev/null &&
    cmake --build --preset release --target headscope headscope-server headscope-trainer headscope-worker >&2)
  HEADSCOPE_BIN=$root/build/release/bin
fi
export HEADSCOPE_BIN PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/deploy/paper"
exec python3 -m repeat "$@"
