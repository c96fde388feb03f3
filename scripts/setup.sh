#!/usr/bin/env bash
# Sets up .venv once: pinned packages, this project, and the Delta jars. Called by make.
#   scripts/setup.sh run    what the jobs need
#   scripts/setup.sh dev    the same and what tests, benchmarks and packaging need
# Each part is stamped with a digest of what it was built from; a second call does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
layer=${1:-run}
venv=.venv

fail() { printf 'set-up: %s\n' "$1" >&2; exit 1; }

check_java() {
  local java=java version
  [ -n "${JAVA_HOME:-}" ] && java="$JAVA_HOME/bin/java"
  command -v "$java" >/dev/null 2>&1 ||
    fail "Java was not found (looked for '$java'). Install Java 17 (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME to it."
  # A java without a JDK behind it exits with an error: it has no version, and that is told below.
  version=$({ "$java" -version 2>&1 || true; } | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  case "$version" in
    17 | 21) ;;
    *) fail "Java ${version:-of an unknown version} was found at '$java'; Spark 4.0 runs on Java 17 or 21. Install Java 17 and set JAVA_HOME to it." ;;
  esac
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3 python; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "3.11" ]; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 was not found (tried \$PYTHON, python3.11, python3, python). Install it (with its venv module) or set PYTHON to it."
}

digest() { cat "$@" | sha256sum | cut -c1-16; }
say() { printf 'set-up: %s\n' "$1"; something_done=yes; }
is_done() { [ "$(cat "$venv/.stamp-$1" 2>/dev/null)" = "$2" ]; }
mark_done() { echo "$2" > "$venv/.stamp-$1"; }

install() {  # install NAME FILE: the pinned packages of one requirements file; uv, where there is one, is faster
  local stamp
  stamp=$(digest "$2")
  is_done "$1" "$stamp" && return
  say "installing $2 into $venv (once; about 3 minutes and 6 GB for requirements.txt)"
  # uv knows nothing of pip's settings (proxies, mirrors): where it fails, pip decides.
  { command -v uv >/dev/null 2>&1 &&
    uv pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps -r "$2" 2>/dev/null; } ||
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$2" ||
    fail "pip could not install $2: see its message above. 'make clean-venv' and a second try start from nothing."
  mark_done "$1" "$stamp"
}

install_project() {
  local stamp
  stamp=$(digest pyproject.toml uae_model/__init__.py)
  is_done project "$stamp" && return
  say "installing this project into $venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ||
    fail "pip could not install the project itself: see its message above."
  mark_done project "$stamp"
}

prepare_spark() {  # the Delta jars, and an archive of Java's classes, without which every start takes longer
  local stamp
  stamp=$({ cat uae_model/lake/jars.py uae_model/lake/class_archive.py; sed -n '/^pyspark==/p; /^delta-spark==/p' requirements.txt; } | sha256sum | cut -c1-16)
  is_done spark "$stamp" && return
  say "resolving the Delta jars and archiving Java's classes (once)"
  "$venv/bin/python" -m uae_model.lake.jars >"$venv/jars.log" 2>&1 ||
    fail "the Delta jars could not be resolved: see $venv/jars.log. If Ivy says 'download failed', a POM lies in the local Maven cache without its jar: remove ~/.m2/repository/io/delta and ~/.m2/repository/io/unitycatalog and run again."
  "$venv/bin/python" -m uae_model.lake.class_archive >"$venv/classes.log" 2>&1 ||
    say "Java's classes could not be archived, so each command starts some seconds later: see $venv/classes.log"
  mark_done spark "$stamp"
}

install_browser() {  # the report is checked in a real browser; without one that test fails
  command -v chromium >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing Debian's chromium for the report's browser check (once)"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null ||
      fail "apt-get could not install chromium. Install it by hand, then run again."
  else
    say "chromium is not installed, which the test of the report in a browser needs (Debian: sudo apt-get install chromium)"
  fi
}

something_done=
check_java
if [ ! -x "$venv/bin/python" ]; then
  python=$(find_python)
  "$python" -m venv "$venv" || fail "'$python -m venv' failed: install Python's venv module (Debian: apt-get install python3.11-venv)."
  say "made $venv with $python"
fi
install requirements requirements.txt
install_project
prepare_spark
if [ "$layer" = dev ]; then
  install requirements-dev requirements-dev.txt
  install_browser
fi
[ -z "$something_done" ] || say "done"
