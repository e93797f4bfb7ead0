#!/bin/sh
# The service against its engine, the paper's procedure and a careful loop, in one go on the same samples; scaling; memory
# (compare.py). Needs the release preset (build/release) and Debian's python3-torch. Samples and tokenizer come from the
# folder of reference material.
#   tests/benchmark/run.sh [--sections speed,scaling,memory] [--rows N] [--overhead-rows N] [--skip-paper] [--json FILE] ...
# A run of a minute or two: --sections speed --shapes gpt2-small --rows 8 --overhead-rows 16 --skip-paper
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
shared=${HEADSCOPE_SHARED:-$root/../shared}
binaries=${HEADSCOPE_BINARIES:-$root/build/release/bin}
python=/usr/bin/python3

for needed in headscope headscope-server headscope-worker headscope-engine-check headscope-model-writer; do
  if [ ! -x "$binaries/$needed" ]; then
    echo "run.sh: no $binaries/$needed; build it with: cmake --preset release && cmake --build --preset release" >&2
    exit 2
  fi
done
if ! "$python" -c 'import numpy, torch' 2>/dev/null; then
  echo "run.sh: the peers need torch and numpy: apt-get install python3-torch python3-numpy" >&2
  exit 2
fi
if [ ! -f "$shared/data/gsm8k_test.jsonl" ]; then
  echo "run.sh: no $shared/data/gsm8k_test.jsonl; name the folder of reference material in HEADSCOPE_SHARED" >&2
  exit 2
fi

exec "$python" -B "$root/tests/benchmark/compare.py" --binaries "$binaries" \
  --data "$shared/data/gsm8k_test.jsonl" --tokenizer "$shared/tokenizers/gpt2/tokenizer.json" "$@"
