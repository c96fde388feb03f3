"""Facts from real Delta tables and a real MLflow registry."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.report import main as report_main
from jobs.report import report
from tests.conftest import TEST_SPARK_CONF
from uae_model.config import Config, load_config
from uae_model.core.errors import InputError, ModelError, UsageError
from uae_model.lake import TableStore
from uae_model.lake.spark import SPARK_CONF_FOLDER
from uae_model.registry.opening import open_registry
from uae_model.report import collect, render
from uae_model.report.facts import Rate, ReportFacts
from uae_model.report.many_days import collect_days
from uae_model.training.comparison import Comparison

FIRST, DAY, SCORED = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)

CANDIDATE = asdict(Comparison("chain-0.7", "chain", 0.7, 0.0, 0.25, 0.01, 0.0, 0.0, 3, 0.3, 0.2, False))
TAGS = {
    "propensity_version": "1",
    "validation_nll": "0.25",
    "validation_base_rate_nll": "0.32",
    "training_plays": "50000",
    "best_epoch": "1",
    "candidates": json.dumps([CANDIDATE]),
}


def write_rows(store: TableStore, name: str, day: date, rows: list[dict[str, Any]], **metadata: Any) -> None:
    """Write rows, with plain values for the columns that they leave out."""
    contract = store.contract(name)
    plain: dict[str, Any] = {
        "string": "x",
        "int": 1,
        "bigint": 1,
        "double": 0.5,
        "boolean": False,
        "timestamp": datetime(day.year, day.month, day.day, 8, tzinfo=UTC),
        "date": day,
    }
    full = [
        [row.get(field.name, plain.get(field.dataType.simpleString())) for field in contract.schema.fields]
        for row in rows
    ]
    frame = store.spark.createDataFrame(full, contract.schema)
    store.replace_day(name, day, frame, {"step": "test", **metadata})


def write_weights(store: TableStore, day: date, letters: str, attention: float) -> int:
    """Write one session of plays, ``a`` active and ``p`` passive, scored and copied; return the version."""
    rows = [
        {
            "event_id": f"{day}-{position}",
            "session_id": f"s{day}",
            "user_id": f"u{position % 2}",
            "position": position,
            "is_active": letter == "a",
            "attention": attention + position / 100,
            "sample_weight": 1.0 if letter == "a" else 0.6,
            "attention_model_version": 1,
            "propensity_model_version": 1,
        }
        for position, letter in enumerate(letters, start=1)
    ]
    for table in ("scores", "weights"):
        write_rows(store, table, day, rows, attention_version=1, propensity_version=1)
    version = store.states.version("weights", day)
    assert version is not None
    return version


def publish(store: TableStore, day: date, version: int, plays: int) -> None:
    """Write the day's row of publications."""
    row = {
        "table_name": "weights",
        "delta_version": version,
        "status": "published",
        "row_count": plays,
        "mean_passive_weight": 0.6,
        "passive_weight_quantiles": [0.6] * 5,
        "checks": ["the day has plays: ok (6 rows)"],
        "run_id": store.config.run_id(day.isoformat()),
        "config": store.config.canonical_json(with_paths=False),
        "excluded_count": 2,
    }
    write_rows(store, "publications", day, [row], weights_version=version)


@pytest.fixture(scope="module")
def filled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
    """Two published days, one of them scored again since, some quarantine and the truth of one day."""
    folder = tmp_path_factory.mktemp("report")
    file = folder / "uae.toml"
    file.touch()
    store = TableStore(spark, load_config(file))
    fill(store)
    return store


def fill(store: TableStore) -> None:
    """Write all tables."""
    publish(store, FIRST, write_weights(store, FIRST, "pp", 0.1), 2)
    publish(store, DAY, write_weights(store, DAY, "aappap", 0.2), 6)
    # Scored again and not published: no reader may see these eight plays.
    write_weights(store, DAY, "pppppppp", 0.9)
    reasons: list[dict[str, Any]] = [
        {"row": "1", "reason": "no user", "occurrences": 2},
        {"row": "2", "reason": "no time"},
    ]
    write_rows(store, "quarantine", FIRST, reasons)
    truth = [{"event_id": f"{DAY}-{n}", "attended": n in (1, 2, 4, 5)} for n in range(1, 7)]
    write_rows(store, "truth", DAY, truth)


@pytest.fixture(scope="module")
def registered(filled: TableStore) -> Config:
    """Register version 1 with a run of two epochs and make it champion."""
    from mlflow import MlflowClient

    uri = filled.config.paths.mlflow
    client = MlflowClient(uri)
    location = Path(filled.config.paths.mlflow_artifacts).as_uri()
    run = client.create_run(client.create_experiment("uae", artifact_location=location)).info.run_id
    for epoch, loss in enumerate((0.3, 0.25)):
        client.log_metric(run, "validation_nll", loss, step=epoch)
        client.log_metric(run, "train_attention_risk", 2 * loss, step=epoch)
    client.log_metric(run, "step_attention_risk", 0.7, step=50)
    for name in ("uae-attention", "uae-propensity"):
        client.create_registered_model(name)
        client.create_model_version(name, location, run_id=run, tags=TAGS)
        client.set_registered_model_alias(name, "champion", "1")
    return filled.config


@pytest.fixture(scope="module")
def facts(filled: TableStore, registered: Config) -> ReportFacts:
    """The facts of the second day."""
    return collect(filled, open_registry(registered), DAY)


def test_facts_of_a_published_day(filled: TableStore, facts: ReportFacts) -> None:
    assert facts.published.plays == 6
    assert facts.history.overall == Rate(6, 3)
    assert facts.history.after_active == Rate(3, 1)
    assert facts.history.after_passive == Rate(2, 1)
    assert [count.rate for count in facts.positions] == [Rate(1, int(letter == "a")) for letter in "aappap"]
    assert facts.attention.total == 3
    assert facts.attention.mean == pytest.approx(0.2 + (3 + 4 + 6) / 300)
    assert facts.users == 2
    assert facts.has_newer_weights
    assert facts.config_digest == filled.config.digest()
    assert [publication.day for publication in facts.trend] == [FIRST, DAY]
    assert {count.reason: count.rows for count in facts.quarantine} == {"no user": 2, "no time": 1}
    assert facts.weight_formula == "x"
    assert {table.name for table in facts.tables} == {"weights", "publications"}
    assert facts.contexts is not None
    assert facts.contexts.plays == 6
    assert {"device", "hour_of_day", "gap_seconds"} <= set(facts.contexts.by_feature())
    assert facts.freshness is not None
    assert facts.freshness.newest_published == DAY
    assert facts.freshness.published_at is not None


def test_attention_is_compared_with_the_truth_of_the_published_plays(facts: ReportFacts) -> None:
    assert facts.truth is not None
    assert (facts.truth.plays, facts.truth.known) == (6, 6)
    assert facts.truth.passive is not None
    # passive plays 3, 4, 6, attended 4, attention rises with the position: one of two pairs is right
    assert facts.truth.passive.auc == pytest.approx(0.5)
    assert (facts.truth.passive.plays, facts.truth.passive.attended) == (3, 1)


def test_training_curves_come_from_the_run_behind_the_day(facts: ReportFacts) -> None:
    assert facts.model is not None
    assert facts.model.champion_version == 1
    assert facts.model.curve("validation_nll") == ((1, 0.3), (2, 0.25))
    assert "step_attention_risk" not in facts.model.curves
    assert facts.model.failed_gates == ()
    (candidate,) = facts.model.candidates
    assert (candidate.name, candidate.nll, candidate.diagnostic) == ("chain-0.7", 0.25, False)


def test_a_day_without_truth_or_model_says_so(filled: TableStore) -> None:
    def no_version(number: int | None = None) -> Any:
        raise ModelError(f"version {number} is gone")

    source: Any = SimpleNamespace(version=no_version)
    missing = collect(filled, source, FIRST)
    assert (missing.truth, missing.truth_missing) == (None, "table truth holds none of these plays")
    assert (missing.model, missing.model_missing) == (None, "version 1 is gone")
    assert not missing.has_newer_weights


@pytest.mark.parametrize(
    ("day", "first", "last", "message"),
    [
        (date(2026, 2, 1), None, None, "run uae nightly --date 2026-02-01 first"),
        (DAY, DAY, SCORED, "not published"),
        (FIRST, DAY, SCORED, "does not lie between"),
    ],
)
def test_what_cannot_be_reported_says_what_to_run(
    filled: TableStore, day: date, first: date | None, last: date | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        collect(filled, None, day, first, last)


def test_no_tables_at_all_says_what_to_run(store: TableStore) -> None:
    with pytest.raises(InputError, match="run uae nightly --date 2026-01-06 first"):
        collect(store, None, DAY)
    assert not Path(store.path("publications")).exists()


def test_a_registry_that_is_not_there_is_not_made(config: Config) -> None:
    assert open_registry(config) is None
    assert not Path(config.paths.mlflow.removeprefix("sqlite:///")).exists()


def test_a_day_that_is_only_scored_asks_for_its_publication(
    filled: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filled.states, "version", lambda name, day: 7)
    with pytest.raises(InputError, match="run uae publish --date 2026-01-07 first"):
        collect(filled, None, SCORED)


def test_the_job_writes_the_page_of_a_range(
    filled: TableStore, registered: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(registered.paths.tables).parent
    arguments = SimpleNamespace(
        config=str(folder / "uae.toml"),
        profile=None,
        overrides=[],
        spark_conf=[SPARK_CONF_FOLDER / "local.conf", TEST_SPARK_CONF],
        date="2026-01-06",
        first="2026-01-05",
        last="2026-01-06",
        out=None,
        paper=False,
    )
    report(arguments)  # type: ignore[arg-type]
    assert capsys.readouterr().out.splitlines()[-1].startswith('{"dt": "2026-01-06", "report"')
    facts = collect(filled, open_registry(registered), DAY, FIRST, DAY)
    assert facts.history.overall == Rate(8, 3)
    assert facts.trend_first == FIRST
    assert facts.truth is not None
    assert (facts.truth.plays, facts.truth.known) == (8, 6)
    assert (folder / "reports" / "2026-01-06.html").read_bytes() == render(facts).encode()
    arguments.date = None
    report(arguments)  # type: ignore[arg-type]
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    path = folder / "reports" / "2026-01-05_2026-01-06.html"
    assert told["report"] == str(path)
    assert (told["published"], told["events"]) == (2, 0)
    assert "All 2 days published" in path.read_text()


def test_days_that_nobody_published_or_in_the_wrong_order_are_no_page(filled: TableStore) -> None:
    with pytest.raises(InputError, match="no day from 2026-02-01 to 2026-02-02 is published"):
        collect_days(filled, date(2026, 2, 1), date(2026, 2, 2))
    with pytest.raises(UsageError, match="--from 2026-01-06 is after --to 2026-01-05"):
        collect_days(filled, DAY, FIRST)


def test_a_report_needs_a_day_or_days(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # keep the shared session
    assert report_main(["--from", "2026-01-05"]) == 2
    assert "give --date for the page of a day, or --from and --to" in capsys.readouterr().err


def test_a_wrong_day_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # keep the shared session
    assert report_main(["--date", "yesterday"]) == 2
    assert "uae report: 'yesterday' is not a day" in capsys.readouterr().err
