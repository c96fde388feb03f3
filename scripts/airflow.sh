#!/usr/bin/env bash
# Four simulated nights under a real Airflow, with deploy/airflow/uae_nightly.py as it stands. Called by `make airflow`.
# Airflow lives in build/airflow/venv, apart from .venv; everything below build/airflow but that is made anew.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/airflow/venv

stamp=$(sha256sum deploy/airflow/requirements.txt | cut -c1-16)
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
  echo "airflow: installing deploy/airflow/requirements.txt into $venv (once; 0.3 GB)"
  .venv/bin/python -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r deploy/airflow/requirements.txt
  echo "$stamp" > "$venv/.stamp"
fi
exec .venv/bin/python -m scripts.airflow_nights "$@"
