"""Simulated dimensions: whole at first, then what changes; late and bad rows only where asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from uae_model.config import Dimension, load_config
from uae_model.core.errors import InputError
from uae_model.simulation.columns import VALUES
from uae_model.simulation.dimensions import COUNTRIES, SUBSCRIPTIONS, dimension_rows
from uae_model.simulation.feed import CLEAN, Defects, feed_rows
from uae_model.simulation.world import Block, World

WORLD = World(days=6, users=3_000, songs=5_000)
USERS, SONGS = load_config(None, profile="dimensions").dimensions
SPOILT = Defects(late=0.4, bad=0.2)


def slots(dimension: Dimension, defects: Defects = CLEAN, world: World = WORLD) -> list[list[dict[str, Any]]]:
    return [dimension_rows(world, dimension, day, defects).to_pylist() for day in range(world.days + 1)]


@pytest.mark.parametrize(("dimension", "count"), [(USERS, 3_000), (SONGS, 5_000)])
def test_the_first_slot_is_whole_and_later_ones_hold_the_changes_of_their_day(
    dimension: Dimension, count: int
) -> None:
    first, *later = slots(dimension)
    assert len({row[dimension.key] for row in first}) == len(first) == count
    assert {row["valid_from"] for row in first} == {"2026-01-05T00:00:00Z"}
    values = {row[dimension.key]: row for row in first}
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for day, rows in enumerate(later, start=1):
        assert 0 < len(rows) < 0.1 * count
        for row in rows:
            begins = datetime.fromisoformat(row["valid_from"])
            assert timedelta(days=day) <= begins - start < timedelta(days=day + 1)
            before = values[row[dimension.key]]
            if "release_year" in row:
                assert row["release_year"] == before["release_year"]
            values[row[dimension.key]] = row
    moved = [row for row in first if values[row[dimension.key]] != row]
    assert 0 < len(moved) < 0.3 * count


def test_values_are_those_of_the_feed_of_plays_until_they_change() -> None:
    plays = feed_rows(WORLD, Block(0, 0), ["country", "subscription", "genre"], CLEAN).to_pylist()
    users, songs = (
        {row[dimension.key]: row for row in dimension_rows(WORLD, dimension, 0, CLEAN).to_pylist()}
        for dimension in (USERS, SONGS)
    )
    for play in plays[:500]:
        assert users[play["user_id"]]["country"] == play["country"]
        assert users[play["user_id"]]["subscription"] == play["subscription"]
        assert songs[play["song_id"]]["genre"] == play["genre"]
    assert (VALUES["country"][1], VALUES["subscription"][1]) == (COUNTRIES, SUBSCRIPTIONS)


def test_the_same_seed_gives_the_same_rows() -> None:
    assert slots(USERS, SPOILT) == slots(USERS, SPOILT)
    assert slots(USERS) != slots(USERS, world=replace(WORLD, seed=8))


def test_late_changes_come_a_day_later_and_none_is_lost() -> None:
    clean, late = slots(USERS), slots(USERS, replace(SPOILT, bad=0.0))

    def every(rows: list[list[dict[str, Any]]]) -> list[str]:
        return sorted(str(row) for slot in rows for row in slot)

    assert every(clean) == every(late)
    days = [
        (datetime.fromisoformat(row["valid_from"]).day - 5, slot)
        for slot, rows in enumerate(late)
        for row in rows
    ]
    assert {slot - day for day, slot in days} == {0, 1}


def test_a_bad_row_is_a_copy_whose_time_cannot_be_read() -> None:
    rows = slots(SONGS, replace(SPOILT, late=0.0))[0]
    bad = [row for row in rows if row["valid_from"] == "soon"]
    assert 0.15 < len(bad) / 5_000 < 0.25
    assert len(rows) == 5_000 + len(bad)


@pytest.mark.parametrize("attributes", [{"mood": "categorical"}, {"release_year": "categorical"}])
def test_what_the_simulator_does_not_know_is_named(attributes: dict[str, Any]) -> None:
    unknown = SONGS.model_copy(update={"attributes": attributes})
    with pytest.raises(InputError, match=r"songs has no attribute (mood|release_year); known: genre"):
        dimension_rows(WORLD, unknown, 0, CLEAN)


def test_a_slot_without_changes_keeps_its_types() -> None:
    quiet = replace(WORLD, users=1, songs=1)
    rows = dimension_rows(quiet, SONGS, 1, CLEAN)
    types = {
        "song_id": pa.string(),
        "valid_from": pa.string(),
        "genre": pa.string(),
        "release_year": pa.float64(),
    }
    assert (rows.num_rows, dict(zip(rows.schema.names, rows.schema.types, strict=True))) == (0, types)
    assert np.all(np.array([len(slot) for slot in slots(SONGS, world=quiet)][1:]) == 0)
