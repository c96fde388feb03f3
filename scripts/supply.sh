#!/usr/bin/env bash
# What a review of the supply chain asks for. Called by make; the tools live in build/supply, apart from .venv.
#   scripts/supply.sh sbom     dist/sbom.cdx.json: packages, licences, hashes and jars, in the format of CycloneDX
#   scripts/supply.sh audit    known vulnerabilities of all pinned packages; needs a network to the advisories
# pip-audit asks the registry's own advisories; `UAE_ADVISORIES=osv make audit` asks those of OSV.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/supply
decisions=docs/supply-chain.md

stamp=$(sha256sum requirements-supply.txt | cut -c1-16)
if [ "$(cat "$tools/.stamp" 2>/dev/null)" != "$stamp" ]; then
  .venv/bin/python -m venv --clear "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-supply.txt
  echo "$stamp" > "$tools/.stamp"
fi

audit() {
  local file status=0 ignored=()
  # A finding that has a decision on the page is not told again; the page names each by its own id.
  for id in $(grep -oE '^\| (GHSA|PYSEC|CVE)-[A-Za-z0-9-]+' "$decisions" | cut -c3-); do ignored+=(--ignore-vuln "$id"); done
  for file in requirements.txt requirements-dev.txt requirements-supply.txt deploy/airflow/requirements.txt; do
    [ -e "$file" ] || continue
    echo "audit: $file"
    "$tools/bin/pip-audit" --strict --progress-spinner off --disable-pip --require-hashes \
      --vulnerability-service "${UAE_ADVISORIES:-pypi}" "${ignored[@]}" -r "$file" || status=$?
  done
  [ "$status" = 0 ] || echo "audit: a finding has no decision (update the pin, or decide in $decisions), or the advisories were not reached" >&2
  return "$status"
}

case "${1:-}" in
  sbom) .venv/bin/python scripts/sbom.py ;;
  audit) audit ;;
  *) echo "supply: '${1:-}' is not sbom or audit" >&2; exit 2 ;;
esac
