#!/usr/bin/env bash
# Runs a program of this folder, or its tests, against the built server: tests/wire/run.sh [PROGRAM [OPTIONS]]
# HEADSCOPE_BIN: where the programs are; build/release/bin otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
export HEADSCOPE_BIN=${HEADSCOPE_BIN:-$PWD/build/release/bin}
venv=$(tests/wire/environment.sh)
export PYTHONPATH=$venv/stubs PYTHONDONTWRITEBYTECODE=1
cd tests/wire
if [ $# -gt 0 ]; then exec "$venv/bin/python" "$@"; fi
exec "$venv/bin/python" -m unittest discover -v -p '*_test.py'
