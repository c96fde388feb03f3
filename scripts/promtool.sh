#!/usr/bin/env bash
# Prints the path of promtool, Prometheus's own checker. Where it is not installed, takes Debian's package apart into
# build/promtool (19 MB, once; nothing is installed). Ends with 1 where neither can be had.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v promtool && exit 0
folder=build/promtool
tool=$folder/usr/bin/promtool
if [ ! -x "$tool" ]; then
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || { echo "promtool: neither promtool nor apt-get is here" >&2; exit 1; }
  mkdir -p "$folder"
  download() { (cd "$folder" && apt-get download -qq prometheus) > "$folder/download.log" 2>&1; }
  # The lists of packages may be missing or old; only root may fetch them.
  download || { apt-get update -qq >> "$folder/download.log" 2>&1 && download; } || { echo "promtool: see $folder/download.log" >&2; exit 1; }
  dpkg-deb -x "$folder"/prometheus_*.deb "$folder"
fi
echo "$PWD/$tool"
