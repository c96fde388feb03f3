#!/usr/bin/env bash
# Pins requirements*.in again, with hashes and without URLs. Called by `make lock`; needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv > /dev/null 2>&1 || { echo "lock: uv is not installed (pip install uv)" >&2; exit 1; }
for name in requirements requirements-dev requirements-supply deploy/airflow/requirements; do
  uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --no-annotate --python-version 3.11 \
    "$name.in" --output-file "$name.txt"
done
