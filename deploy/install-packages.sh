#!/usr/bin/env bash
# Installs Debian packages, only those that are missing: deploy/install-packages.sh LIST...
# LIST is a file name in deploy/packages without .txt: build, test, fuzz, benchmark, paper, server, worker.
set -euo pipefail
cd "$(dirname "$0")/packages"

wanted=()
for list in "$@"; do
  [ -f "$list.txt" ] || { echo "install-packages.sh: no list '$list'; there are: $(ls ./*.txt | sed 's|./||; s|\.txt||' | tr '\n' ' ')" >&2; exit 2; }
  mapfile -t -O "${#wanted[@]}" wanted < <(sed 's/#.*//' "$list.txt" | awk 'NF { print $1 }')
done

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install-packages.sh: as root, run: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
