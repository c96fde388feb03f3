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

# Two runs beside each other, about as long, one a core.
tables=(tests/ingest tests/lake tests/pipeline)
long() {  # long PART ARGUMENTS...: of the tests that `make quick` leaves out
  covered "$1" "${@:2}" -m "$others" --durations=25
}
rest() {
  local status=0
  long cluster tests/cluster -p no:cacheprovider || status=$?
  long rest "${tables[@]/#/--ignore=}" --ignore=tests/cluster -p no:cacheprovider || status=$?
  return "$status"
}
rest >"$data/rest.log" 2>&1 &
beside=$!
trap 'kill "$beside" 2>/dev/null || true' EXIT

status=0
long tables "${tables[@]}" || status=$?
echo "The tests of the cluster and of all other rooms, which ran beside those of ${tables[*]}:"
wait "$beside" || status=$?
trap - EXIT
cat "$data/rest.log"

export COVERAGE_FILE="$data/.coverage"
"$python" -m coverage combine --quiet
"$python" -m coverage report --fail-under=90 || status=$?
exit "$status"
