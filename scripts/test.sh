#!/usr/bin/env bash
# Every test, with coverage. The cluster's tests mostly wait for other processes to start, so they run beside
# the rest: on two cores this saves a quarter of the time.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
data=build/coverage
rm -rf "$data"
mkdir -p "$data/cluster" "$data/others"

COVERAGE_FILE="$data/cluster/.coverage" "$python" -m pytest tests/cluster --cov --cov-report= \
  -p no:cacheprovider >"$data/cluster.log" 2>&1 &
cluster=$!
trap 'kill "$cluster" 2>/dev/null || true' EXIT

status=0
COVERAGE_FILE="$data/others/.coverage" "$python" -m pytest --ignore tests/cluster --cov --cov-report= || status=$?
echo "tests/cluster, which ran beside the others:"
wait "$cluster" || status=$?
trap - EXIT
cat "$data/cluster.log"

export COVERAGE_FILE="$data/.coverage"
"$python" -m coverage combine --quiet "$data/cluster/.coverage" "$data/others/.coverage"
"$python" -m coverage report --fail-under=90 || status=$?
exit "$status"
