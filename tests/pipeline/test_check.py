"""A look at a day's feed: the same judgement as ingest's, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, event, feed_row, write_slot
from uae_model.config import Config, Dimension
from uae_model.core.errors import ConfigError, NotYetError
from uae_model.ingest.known_key import record_key
from uae_model.lake import TableStore
from uae_model.pipeline.check import check_day


def test_a_day_is_judged_and_nothing_is_written(
    spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    good = feed_row(event("a", "10:00"))
    rows: list[dict[str, Any] | str] = [
        good,
        {**good, "feedback": "clap"},
        {**good, "feedback": "boo"},
        "{cut",
    ]
    write_slot(tmp_path / "feed", DAY, rows)
    said = {"song_id": "s", "valid_from": "2026-01-05T00:00:00Z", "genre": "rock"}
    write_slot(tmp_path / "songs", DAY, [said, {**said, "valid_from": "1970-01-01T00:00:00Z"}])
    songs = {"entity": "song", "feed": str(tmp_path / "songs" / "dt={date}"), "format": "jsonl"}
    dimension = Dimension.model_validate({**songs, "attributes": {"genre": "categorical", "year": "numeric"}})
    config = make_config("feed.format=jsonl", "feed.columns={device='gadget'}")
    store = TableStore(spark, config.model_copy(update={"dimensions": (dimension,)}))
    seen, of_songs = check_day(store, DAY, shows_values=True)
    assert (of_songs.slot, of_songs.rows, of_songs.missing) == ("songs/dt=2026-01-05", 2, ("year",))
    reason = "is before earliest_date of dimension songs = 2000-01-01: was the clock set?"
    assert of_songs.reasons == {reason: 1}
    assert (seen.slot, seen.files, seen.rows, seen.quarantined) == ("dt=2026-01-05", 1, 4, 3)
    assert seen.reasons == {"unknown feedback": 2, "the line is no JSON object": 1}
    assert seen.examples == {"unknown feedback": "boo"}
    assert [told.examples for told in check_day(store, DAY)] == [{}, {}]  # one may be the id of a user
    assert seen.missing == ("gadget",)
    assert not (tmp_path / "tables").exists()
    with pytest.raises(NotYetError, match="no complete slot of 2026-01-06"):
        list(check_day(store, DAY + timedelta(days=1)))


def test_a_key_that_is_not_that_of_the_tables_is_told_at_once(
    spark: SparkSession, make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_slot(tmp_path / "feed", DAY, [feed_row(event("a", "10:00"))])
    store = TableStore(spark, make_config("feed.format=jsonl"))
    record_key(store, "events", b"the key of the tables")
    monkeypatch.delenv("UAE_HMAC_KEY", raising=False)
    assert len(list(check_day(store, DAY))) == 1  # no key is needed to look
    monkeypatch.setenv("UAE_HMAC_KEY", "another key of tests")
    with pytest.raises(ConfigError, match="table events holds pseudonyms of the HMAC key"):
        next(check_day(store, DAY))
