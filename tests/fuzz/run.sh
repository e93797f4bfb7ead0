#!/usr/bin/env bash
# Fuzzes each target for some seconds, all of them where none is named: tests/fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?"usage: tests/fuzz/run.sh SECONDS [TARGET...]"}
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in tests/fuzz/*_fuzz.cc; do targets+=("$(basename "$file" _fuzz.cc)"); done
fi
declare -A dictionaries=([config]=config [checkpoint]=config [adapter]=adapter [tokenizer]=tokenizer [legacy_tokenizer]=tokenizer [rows]=rows)
mkdir -p build/fuzz/found
status=0
for target in "${targets[@]}"; do
  echo "== $target"
  mkdir -p "build/fuzz/corpus/$target"
  found=0
  "build/fuzz/tests/bin/headscope_fuzz_$target" "build/fuzz/corpus/$target" "tests/fuzz/seeds/$target" \
    -dict="tests/fuzz/dictionaries/${dictionaries[$target]:-weights}.dict" -artifact_prefix="build/fuzz/found/${target}_" \
    -max_total_time="$seconds" -max_len=4096 -timeout=25 -rss_limit_mb=2048 -malloc_limit_mb=1024 -verbosity=0 \
    -print_final_stats=1 || found=$?
  [ $found -eq 0 ] || { echo "$target: found something, see build/fuzz/found" >&2; status=1; }
done
exit $status
