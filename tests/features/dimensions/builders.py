"""Statements about songs and users, and a slow but obvious reference for the versions they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from uae_model.config import Config, Dimension, parse_config
from uae_model.lake import contract_for

SONGS = Dimension(
    entity="song", feed="songs/dt={date}", attributes={"genre": "categorical", "year": "numeric"}
)
USERS = Dimension(entity="user", feed="users/dt={date}", attributes={"plan": "categorical"})

FEATURES: list[dict[str, Any]] = [
    {"name": "device", "kind": "categorical", "role": "context"},
    {"name": "song_genre", "kind": "categorical", "role": "both", "source": "song.genre"},
    {"name": "song_year", "kind": "numeric", "role": "preference", "source": "song.year"},
    {"name": "user_plan", "kind": "categorical", "role": "context", "source": "user.plan"},
]
CONFIG: Config = parse_config(
    {
        "features": FEATURES,
        "dimensions": [SONGS.model_dump(), USERS.model_dump()],
        "tuning": {"join_salts": 3},
    }
)


class Statement(NamedTuple):
    """What a song's attributes are from a time on."""

    song_id: str
    valid_from: datetime
    genre: str | None
    year: float | None


class Version(NamedTuple):
    """A row of ``songs``."""

    song_id: str
    genre: str | None
    year: float | None
    valid_from: datetime
    valid_to: datetime | None
    restated_at: tuple[datetime, ...]


def statements_frame(spark: SparkSession, statements: Sequence[Statement]) -> DataFrame:
    """Return statements as ``parse_statements`` gives them."""
    return spark.createDataFrame(
        list(statements), "song_id string, valid_from timestamp, genre string, year double"
    )


def empty_table(spark: SparkSession, dimension: Dimension = SONGS) -> DataFrame:
    """Return a dimension's table without rows."""
    return spark.createDataFrame([], contract_for(dimension.table, CONFIG).schema)


def reference(statements: Sequence[Statement]) -> list[Version]:
    """Return the versions by walking through each song's statements once."""
    best: dict[tuple[str, datetime], Statement] = {}
    for statement in statements:
        known = best.get((statement.song_id, statement.valid_from))
        if known is None or _rank(statement) > _rank(known):
            best[statement.song_id, statement.valid_from] = statement
    versions = []
    for _, group in groupby(sorted(best.values(), key=lambda s: s[:2]), key=lambda s: s.song_id):
        runs = [list(run) for _, run in groupby(group, key=lambda s: (s.genre, s.year))]
        for place, run in enumerate(runs):
            end = runs[place + 1][0].valid_from if place + 1 < len(runs) else None
            song_id, valid_from, genre, year = run[0]
            again = tuple(statement.valid_from for statement in run[1:])
            versions.append(Version(song_id, genre, year, valid_from, end, again))
    return versions


def _rank(statement: Statement) -> tuple[Any, ...]:
    """Rank as docs/features.md says: the fuller row, then the greater one, null before any value."""
    values = (statement.genre, statement.year)
    filled = sum(value is not None for value in values)
    return (filled, *((value is not None, value if value is not None else "") for value in values))
