#!/usr/bin/env bash
# Makes the virtual environment of all Python stages in build/venv, with stubs of the protos as they are now, and prints
# its folder. Nothing is done where both are up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$PWD/build/venv
wanted=$(sha256sum tests/wire/requirements.txt | cut -d ' ' -f 1)
if [ "$(cat "$venv/made-of" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/wire/requirements.txt >&2
  echo "$wanted" > "$venv/made-of"
fi
stubs=$venv/stubs
mapfile -t protos < <(cd proto && find headscope -name '*.proto' | sort)
wanted=$(cd proto && sha256sum "${protos[@]}" | sha256sum)
if [ "$(cat "$stubs/made-of" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$stubs"
  mkdir -p "$stubs"
  "$venv/bin/python" -m grpc_tools.protoc -I proto --python_out="$stubs" --grpc_python_out="$stubs" "${protos[@]}"
  echo "$wanted" > "$stubs/made-of"
fi
echo "$venv"
