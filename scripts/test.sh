#!/usr/bin/env bash
# The tests, with coverage; the quick ones come first, and where they fail no other is begun.
#   scripts/test.sh        every test, and the coverage of all
#   scripts/test.sh quick  those without Spark and without waiting, without coverage
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
others="spark or slow or cluster"
quick="not ($others)"
# Two processes, one a core; a whole file at a time, since what its tests share is made once a process.
parallel=(-n 2 --dist loadfile)

if [ "${1:-all}" = quick ]; then
  exec env OMP_NUM_THREADS=1 "$python" -m pytest "${parallel[@]}" -m "$quick" "${@:2}"
fi

data=build/coverage
rm -rf "$data"
mkdir -p "$data"
covered() {  # covered PART ARGUMENTS...: one run of pytest, its coverage beside the other parts'
  local part=$1
  shift
  COVERAGE_FILE="$data/.coverage.$part" "$python" -m pytest --cov --cov-report= "$@"
}

OMP_NUM_THREADS=1 covered quick "${parallel[@]}" -m "$quick"

# The cluster's tests mostly wait for other processes to start, so they run beside the rest: on two cores
# this saves a quarter of the time.
covered cluster tests/cluster -m "$others" -p no:cacheprovider --durations=25 >"$data/cluster.log" 2>&1 &
cluster=$!
trap 'kill "$cluster" 2>/dev/null || true' EXIT

status=0
covered others --ignore tests/cluster -m "$others" --durations=25 || status=$?
echo "The cluster's tests, which ran beside the others:"
wait "$cluster" || status=$?
trap - EXIT
cat "$data/cluster.log"

export COVERAGE_FILE="$data/.coverage"
"$python" -m coverage combine --quiet
"$python" -m coverage report --fail-under=90 || status=$?
exit "$status"
