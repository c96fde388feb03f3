"""A forgotten user is in no byte of the folder, nobody is disturbed, and the feed brings her back never."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import feed_row
from tests.pipeline.users.nights import (
    ANN,
    REGISTRY,
    SECOND,
    THIRD,
    deliver,
    holding,
    ids_of,
    opened,
    others_of,
    planned,
    pseudonym_of,
    scoring,
)
from uae_model.core.errors import UsageError
from uae_model.lake import TableStore, rewrites
from uae_model.pipeline.ingest import ingest_day
from uae_model.pipeline.lineage import chain_digest
from uae_model.pipeline.nightly import run_night
from uae_model.pipeline.step import Night
from uae_model.pipeline.users import forget as module
from uae_model.pipeline.users.certificate import Certificate, write_certificate
from uae_model.pipeline.users.forget import forget
from uae_model.readers.arrow import read_weights_arrow
from uae_model.readers.spark import read_weights

pytestmark = pytest.mark.slow
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
NO_BAD_ROWS = "publication.max_quarantined_share=0.0"
OTHERS = sorted(item.event_id for day in (SECOND, THIRD) for item in others_of(day))


def published(store: TableStore) -> list[str]:
    """Return the events of both days as readers see them, with and without Spark."""
    tables = store.config.paths.tables
    rows = read_weights(store.spark, tables, SECOND, THIRD).select("event_id").collect()
    assert len(read_weights_arrow(tables, SECOND, THIRD)) == len(rows)
    return sorted(row["event_id"] for row in rows)


def removed(certificate: Certificate) -> dict[str, int]:
    return {table.table: table.rows for table in certificate.searched if table.rows}


def test_nothing_is_left_and_nobody_notices(spark: SparkSession, folder: Path) -> None:
    store = opened(spark, folder)
    ids = [ANN, *ids_of(store, pseudonym_of(store, ANN))]
    assert len(ids) == 1 + 1 + 9 + 2  # raw, pseudonym, events of three days, sessions of two
    assert holding(folder, ids).keys() == set(ids[1:])  # quarantine is sealed
    plays = {row["event_id"]: row for row in store.read("plays").collect()}
    certificate = forget(store, [f" {ANN} ", "", ANN], reference="ticket 7", vacuums=True, now=NOW)
    page = write_certificate(certificate, store.config.paths.reports)
    assert holding(folder, ids) == {}
    assert holding(folder, [ANN], but=()).keys() == {ANN}  # the feed is not ours

    assert removed(certificate) == {
        **{"events": 9, "users": 4, "plays": 6, "features": 6, "scores": 6, "weights": 6, "truth": 9},
        **{"quarantine": 6, "feature_partials": 1},
    }
    assert {table.table for table in certificate.searched} >= {"publications", "day_states", "forgotten"}
    assert certificate.republished == (SECOND.isoformat(), THIRD.isoformat())
    assert [name.partition("-")[0] for name in certificate.folders] == ["evaluation", "plays"]
    assert not certificate.withdrawn
    told = json.loads(Path(page).with_suffix(".json").read_text())
    assert (told["users"], told["reference"], told["made_at"]) == (1, "ticket 7", "2026-02-01T12:00:00+00:00")
    assert told["vacuumed"][0] == "events"
    assert "| weights | 6 | 2 |" in Path(page).read_text()

    # Readers have all of the others, and the day's publication says what it pins.
    again = opened(spark, folder)
    assert published(again) == OTHERS
    assert {row["event_id"]: row for row in again.read("plays").collect()} == {
        event: row for event, row in plays.items() if event not in ids
    }
    row = again.read("publications", [THIRD]).collect()[0]
    assert (row["row_count"], row["session_count"], row["accepted_checks"]) == (3, 3, None)
    assert row["lineage"] == chain_digest(Night(again, THIRD, THIRD), THIRD)
    # The memory has no reason to build anything.
    assert planned(again) == []
    versions = {name: again.latest_version(name) for name in ("events", "plays", "weights", "publications")}
    with scoring():
        run_night(again, REGISTRY, THIRD)
    assert {name: again.latest_version(name) for name in versions} == versions
    assert removed(forget(again, [ANN], now=NOW)) == {}


def test_a_run_that_dies_is_finished_by_the_next_and_no_slot_brings_her_back(
    spark: SparkSession, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(spark, folder, NO_BAD_ROWS)
    pseudonym = pseudonym_of(store, ANN)
    remove_rows = rewrites.remove_rows

    def dies(store: TableStore, name: str, *others: Any) -> dict[date, int]:
        if name == "plays":
            raise RuntimeError("killed")
        return remove_rows(store, name, *others)

    with monkeypatch.context() as patch:
        patch.setattr(module, "remove_rows", dies)
        with pytest.raises(RuntimeError, match="killed"):
            forget(store, [ANN])
    assert len(published(opened(spark, folder))) > len(OTHERS)  # readers still have what they had
    certificate = forget(opened(spark, folder, NO_BAD_ROWS), [ANN], now=NOW)
    assert certificate.republished == (SECOND.isoformat(), THIRD.isoformat())
    assert published(opened(spark, folder)) == OTHERS
    assert planned(opened(spark, folder)) == []

    # The row that nobody can read is a fourth of the day's now: published all the same, and told.
    assert certificate.accepted == {THIRD.isoformat(): ["quarantined_plays"]}
    row = store.read("publications", [THIRD]).collect()[0]
    assert row["accepted_checks"] == ["quarantined_plays"]
    assert row["accepted_reason"] == "users were forgotten (uae forget)"

    # Old versions hold her until the day that the certificate names.
    old = {file.split("/")[1] for file in holding(folder, [pseudonym])[pseudonym]}
    remaining = {item.what: item.until for item in certificate.remaining}
    assert old == {"events", "users", "plays", "scores", "weights"}
    assert all(f"old versions of table {name}" in remaining for name in old)
    assert remaining["old versions of table plays"] == "the first vacuum after 2026-03-03 (uae maintain)"
    assert not certificate.vacuumed

    deliver(folder, SECOND, more=[feed_row(others_of(SECOND)[0]) | {"event_id": "new", "user_id": "u3"}])
    counts = ingest_day(opened(spark, folder), SECOND)
    assert (counts["read"], counts["forgotten"], counts["quarantined"]) == (9, 5, 0)
    assert (counts["inserted"], counts["withdrawn"]) == (1, 0)
    assert counts["dimensions"]["users"]["forgotten"] == 1
    for name in ("events", "users"):
        assert store.read(name).where(F.col("user_id") == pseudonym).isEmpty()
    assert store.read("quarantine", [SECOND]).isEmpty()
    with scoring():
        run_night(opened(spark, folder), REGISTRY, THIRD)  # which publishes the second day again
    assert published(store) == sorted([*OTHERS, "new"])

    everybody = forget(opened(spark, folder), ["u3", "u9", "u12", "u15"], vacuums=True)
    assert everybody.withdrawn == (SECOND.isoformat(), THIRD.isoformat())
    again = opened(spark, folder)
    assert again.read("publications").isEmpty()
    assert planned(again) == []


def test_nobody_is_a_mistake(spark: SparkSession, folder: Path) -> None:
    with pytest.raises(UsageError, match="nobody is named"):
        forget(opened(spark, folder), ["", "  "])
