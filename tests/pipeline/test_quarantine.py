"""No raw user id lies in a table; who has the key sees the rows in quarantine, and mends them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, event, feed_row, write_slot
from tests.pipeline.building import ingest, opened_quarantine
from uae_model.config import load_config
from uae_model.core.errors import ConfigError
from uae_model.ingest.feed import Feed
from uae_model.ingest.sealing import SEALED
from uae_model.lake import TableStore
from uae_model.pipeline.quarantine import quarantined_rows
from uae_model.readers.arrow import read_table_arrow

RAW_ID = "ann.smith@example.org"
KEY = "an hmac key for tests"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", KEY)


def opened(spark: SparkSession, folder: Path, *overrides: str) -> TableStore:
    (folder / "uae.toml").touch()
    return TableStore(spark, load_config(folder / "uae.toml", overrides=["feed.format=jsonl", *overrides]))


def deliver(folder: Path) -> None:
    """Write a slot whose bad rows hold a user id in their text, and in the value that shows the fault."""
    rows: list[dict[str, Any] | str] = [
        feed_row(event("good", "10:00", user_id=RAW_ID)),
        feed_row(event("bad", "10:05", user_id=RAW_ID, feedback="applause")),
        feed_row(event("shifted", "10:10", user_id="x", feedback=RAW_ID)),
        f'{{"event_id": "cut", "user_id": "{RAW_ID}", "song',
    ]
    write_slot(folder / "feed", DAY, rows)


def occurrences(folder: Path, text: str) -> list[str]:
    """Return the files that hold a text, as they are or in a column of a Parquet file."""
    holding = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content += str(pq.ParquetFile(file).read().to_pydict()).encode()
        if text.encode() in content or base64.b64encode(text.encode())[:-4] in content:
            holding.append(file.name)
    return holding


def test_no_table_holds_a_raw_id_and_the_key_opens_the_rows(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    deliver(tmp_path)
    store = opened(spark, tmp_path)
    assert ingest(store, Feed(spark, store.config), DAY).quarantined == 3
    assert occurrences(tmp_path / "feed", RAW_ID)
    assert occurrences(tmp_path / "tables", RAW_ID) == []
    told = capfd.readouterr()
    assert RAW_ID not in told.out + told.err
    reasons = ["the line is no JSON object", "unknown feedback", "unknown feedback"]
    plain = list(quarantined_rows(store, DAY))
    assert [row["reason"] for row in plain] == reasons
    assert all(row.keys() == {"slot", "source", "row", "reason", "occurrences"} for row in plain)
    shown = list(quarantined_rows(store, DAY, shows_rows=True))
    assert all(RAW_ID in row["raw"] for row in shown)
    assert {row["value"] for row in shown} == {None, "applause", RAW_ID}
    arrow = read_table_arrow(store.config.paths.tables, "quarantine")
    assert all(text.startswith(SEALED) for text in arrow.column("raw").to_pylist())
    monkeypatch.setenv("UAE_HMAC_KEY", "another hmac key of tests")
    assert list(quarantined_rows(store, DAY)) == plain
    with pytest.raises(ConfigError, match="holds pseudonyms of the HMAC key"):
        list(quarantined_rows(store, DAY, shows_rows=True))


def test_another_key_writes_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path)
    store = opened(spark, tmp_path)
    ingest(store, Feed(spark, store.config), DAY)
    versions = {name: store.latest_version(name) for name in ("events", "quarantine")}
    write_slot(tmp_path / "feed", DAY, [feed_row(event("new", "11:00", user_id=RAW_ID))], name="part-1.json")
    monkeypatch.setenv("UAE_HMAC_KEY", "another hmac key of tests")
    with pytest.raises(ConfigError, match="every user would become a new one"):
        ingest(opened(spark, tmp_path), Feed(spark, store.config), DAY)
    assert {name: store.latest_version(name) for name in versions} == versions
    monkeypatch.setenv("UAE_HMAC_KEY", KEY)
    assert ingest(opened(spark, tmp_path), Feed(spark, store.config), DAY).inserted == 1


def test_rows_of_a_former_version_are_sealed_by_the_next_ingest(spark: SparkSession, tmp_path: Path) -> None:
    deliver(tmp_path)
    store = opened(spark, tmp_path)
    former = {
        **{"slot": "dt=2026-01-04", "source": "dt=2026-01-04/a.json", "row": "plain digest", "raw": RAW_ID},
        **{"reason": "unknown feedback", "value": RAW_ID, "occurrences": 2, "run_id": "r", "dt": DAY},
    }
    contract = store.contract("quarantine")
    frame = spark.createDataFrame([[former[name] for name in contract.columns]], contract.schema)
    store.replace_day("quarantine", DAY, frame, {"step": "test"})
    assert ingest(opened(spark, tmp_path), Feed(spark, store.config), DAY).quarantined == 3
    texts = store.read("quarantine").select("raw", "value").collect()
    assert len(texts) == 4
    assert all(text is None or text.startswith(SEALED) for row in texts for text in row)
    first = opened_quarantine(store)[0]
    assert (first["raw"], first["value"], first["occurrences"]) == (RAW_ID, RAW_ID, 2)
    assert first["row"] != "plain digest"
    version = store.latest_version("quarantine")
    assert ingest(opened(spark, tmp_path), Feed(spark, store.config), DAY).read == 0
    assert store.latest_version("quarantine") == version


def test_event_ids_can_be_hashed(spark: SparkSession, tmp_path: Path) -> None:
    deliver(tmp_path)
    store = opened(spark, tmp_path, "identity.hash_event_ids=true")
    ingest(store, Feed(spark, store.config), DAY)
    (row,) = store.read("events").collect()
    assert len(row["event_id"]) == 32
    assert int(row["event_id"], 16) > 0
    with pytest.raises(ConfigError, match=r"event ids hashed, identity\.hash_event_ids = false"):
        ingest(opened(spark, tmp_path), Feed(spark, store.config), DAY)
