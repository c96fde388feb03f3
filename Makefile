# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
UAE := .venv/bin/uae
# Loopback, whatever the machine's name resolves to.
export SPARK_LOCAL_IP := 127.0.0.1

DEMO := demo
DEMO_PLAYS := 230000
DEMO_FIRST := 2026-01-05
DEMO_LAST_TRAINED := 2026-01-12
DEMO_SCORED := 2026-01-13

.PHONY: help setup setup-dev demo clean-demo test lint quick fuzz kills chaos docs reference bench bench-estimators bench-features bench-downstream bench-many-days bench-night bench-growth gates package sbom audit airflow object-storage-jars object-storage keep-release lock clean-venv

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## what the jobs need, in .venv (once)
	@scripts/setup.sh run

setup-dev:  ## the same and what tests and benchmarks need
	@scripts/setup.sh dev

demo: setup  ## the whole pipeline on simulated plays: weights, models, a report
	@scripts/demo.sh $(DEMO) $(DEMO_PLAYS) $(DEMO_FIRST) $(DEMO_LAST_TRAINED) $(DEMO_SCORED)

clean-demo:  ## remove what the demo made
	rm -rf $(DEMO)

test: lint  ## lint, the quick tests, all others with the coverage of both, and the documentation
	@scripts/test.sh
	@$(MAKE) --no-print-directory docs

lint: setup-dev  ## ruff, mypy and who may import whom
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

fuzz: setup-dev  ## over 10,000 generated files, whole and damaged, through the parsers of the feed
	UAE_FUZZ_EXAMPLES=800 $(PYTHON) -m pytest -q tests/fuzz

kills: setup-dev  ## 30 kills -9 of a night at random moments; each time another run ends as if undisturbed
	UAE_CHAOS=kills $(PYTHON) -m pytest -q tests/cluster/test_chaos.py

chaos: setup-dev  ## kills, stops and faults of disk and registry, of nights, backfills, trainings and maintenance (about an hour)
	UAE_CHAOS=all UAE_CHAOS_RECORD=benchmarks/chaos.json $(PYTHON) -m pytest -q tests/cluster/test_chaos.py
	$(PYTHON) -m benchmarks.chaos

quick: setup-dev  ## the tests without Spark and without waiting, in under a minute
	@scripts/test.sh quick

docs: setup-dev  ## the documentation into build/site, strictly; open build/site/index.html
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet

reference: setup-dev  ## write docs/reference and deploy/contracts again from settings, tables and commands
	$(PYTHON) scripts/reference.py
	$(PYTHON) scripts/contracts.py

bench: setup-dev  ## the figures of docs/benchmarks, measured here and now (about 20 minutes)
	$(PYTHON) -m benchmarks

bench-estimators: setup-dev  ## how well attention is recovered, against the truth (about three hours; --help: in parts)
	$(PYTHON) -m benchmarks.estimators

bench-downstream: setup-dev  ## what the weights do to recommenders, against true relevance (about 50 minutes)
	$(PYTHON) -m benchmarks.downstream

bench-features: setup-dev  ## aggregate features against DuckDB, night 60 against earlier ones, what crosses add
	$(PYTHON) -m benchmarks --only features nights later_nights --out benchmarks/features.json
	$(PYTHON) -m benchmarks.crosses

bench-many-days: setup-dev  ## a night of tables with 400 days against one of tables with 10
	$(PYTHON) -m benchmarks.many_days

bench-night: setup-dev  ## whole nights of 1 and 10 million plays: what each step costs, and how it grows (15 minutes)
	$(PYTHON) -m benchmarks.night

bench-growth: setup-dev  ## files and bytes of 100 nights, with `uae maintain` every 7th and without (about 25 minutes)
	$(PYTHON) -m benchmarks.growth

gates: setup-dev  ## the gates of a publication: false alarms on quiet nights, planted faults that are caught
	$(PYTHON) -m benchmarks.gates

package: setup-dev  ## dist/: environment archive and job files for spark-submit
	@scripts/package.sh

sbom: setup  ## dist/sbom.cdx.json: packages and jars, hashes and licences, in the format of CycloneDX
	@scripts/supply.sh sbom

audit: setup  ## known vulnerabilities of all pinned packages; needs a network to the advisories
	@scripts/supply.sh audit

airflow: setup  ## four simulated nights under a real Airflow, as docs/howto/run-from-airflow.md records (a quarter of an hour)
	@scripts/airflow.sh

object-storage-jars: setup  ## what Spark needs for tables on S3, in .venv (560 MB, once)
	$(PYTHON) -m uae_model.lake.jars s3

object-storage: setup-dev object-storage-jars  ## the same nights with all paths local and on a local S3, compared row for row (half an hour)
	$(PYTHON) -m scripts.object_storage_night

keep-release: setup-dev  ## small tables and models of this release into tests/upgrade, for every later one to read
	$(PYTHON) -m scripts.keep_release

lock:  ## pin requirements*.in again, with hashes and without URLs (needs uv)
	scripts/lock.sh

clean-venv:  ## remove the environment; the next command sets it up again
	rm -rf .venv
