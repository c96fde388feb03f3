#!/usr/bin/env bash
# The tests, with coverage; the quick ones come first, and where they fail no other is begun.
#   scripts/test.sh        every test, and the coverage of all
#   scripts/test.sh quick  those without Spark and without waiting, without coverage
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
others="spark or slow or cluster"
quick="not ($others)"
# Two processes, one a core; tests/conftest.py says which tests stay together.
parallel=(-n 2 --dist loadgroup -p no:cacheprovider)
# Torch would take both cores in each of them.
export OMP_NUM_THREADS=1

if [ "${1:-all}" = quick ]; then
  exec "$python" -m pytest "${parallel[@]}" -m "$quick" "${@:2}"
fi

data=build/coverage
rm -rf "$data"
mkdir -p "$data"
covered() {  # covered PART MARKERS ARGUMENTS...: one run of pytest, its coverage beside the other part's
  COVERAGE_FILE="$data/.coverage.$1" "$python" -m pytest --cov --cov-report= "${parallel[@]}" -m "$2" "${@:3}"
}

covered quick "$quick"
status=0
covered others "$others" --durations=25 || status=$?

export COVERAGE_FILE="$data/.coverage"
"$python" -m coverage combine --quiet
"$python" -m coverage report --fail-under=90 || status=$?
exit "$status"
