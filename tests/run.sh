#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test: tests/run.sh [CTest options]
set -euo pipefail
cd "$(dirname "$0")/.."
deploy/install-packages.sh build test
cmake --preset release -DHEADSCOPE_BUILD_TESTS=ON
cmake --build --preset release
ctest --preset release --parallel 2 "$@"
