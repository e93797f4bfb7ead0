#!/usr/bin/env bash
# From a clean clone to a head matrix: installs what is missing, builds, starts a server with one local worker on the demo
# model, runs the main job on the demo samples, and stops. Later runs take seconds.
#   deploy/quickstart.sh [SAMPLES.jsonl]      default: deploy/demo/samples/copy.jsonl
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
samples=$(realpath "${1:-$root/deploy/demo/samples/copy.jsonl}")
cd "$root"
[ -r "$samples" ] || { echo "quickstart: cannot read $samples" >&2; exit 2; }

step() { printf '\n== %s\n' "$*" >&2; }

step "packages"
deploy/install-packages.sh build

step "build (minutes the first time, seconds after)"
cmake --preset release -DHEADSCOPE_BUILD_TESTS=OFF >/dev/null
cmake --build --preset release --target headscope-server headscope-worker headscope >&2
bin=$root/build/release/bin

step "server with one local worker"
state=$(mktemp -d)
server=
clean_up() {
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$state"
}
trap clean_up EXIT
"$bin/headscope-server" --data-dir "$state/data" --model-root deploy/demo/models --local-workers 1 \
  --listen 127.0.0.1:0 --worker-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 \
  --ready-file "$state/ready.json" 2>"$state/server.log" &
server=$!
for _ in $(seq 600); do
  [ -s "$state/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || { cat "$state/server.log" >&2; echo "quickstart: the server ended" >&2; exit 1; }
  sleep 0.1
done
[ -s "$state/ready.json" ] || { cat "$state/server.log" >&2; echo "quickstart: the server was not ready within 60 s" >&2; exit 1; }
HEADSCOPE_SERVER=$(sed -n 's/.*"listen": *"\([^"]*\)".*/\1/p' "$state/ready.json")
export HEADSCOPE_SERVER
echo "listening on $HEADSCOPE_SERVER" >&2

step "headscope models"
"$bin/headscope" models

step "headscope attribute --model demo --data ${samples#"$root"/}"
"$bin/headscope" attribute --model demo --data "$samples" --label task="$(basename "$samples" .jsonl)"

step "stop"
kill -TERM "$server" 2>/dev/null || true
status=0
wait "$server" || status=$?
server=
[ "$status" -eq 0 ] || { cat "$state/server.log" >&2; echo "quickstart: the server ended with status $status" >&2; exit 1; }
