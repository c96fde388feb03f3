"""Two published nights in which one user listens beside others, and all that such nights leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, Event, feed_row, write_slot
from tests.pipeline.building import FakeRegistry
from uae_model.config import load_config
from uae_model.ingest.identity import user_hasher
from uae_model.ingest.keys import read_key
from uae_model.lake import TableStore
from uae_model.pipeline.evaluation_plays import evaluation_plays
from uae_model.pipeline.nightly import plan_night, run_night
from uae_model.pipeline.steps import scores
from uae_model.snapshot.write import write_snapshot

DAYS = [DAY + timedelta(days=offset) for offset in range(4)]
SECOND, THIRD = DAYS[1], DAYS[2]
ANN = "ann.smith@example.org"
REGISTRY: Any = FakeRegistry()
SETTINGS = """
feed.format = "jsonl"
feed.late_days = 1
training.processes = 1
publication.max_quarantined_share = 0.5
paths.hmac_key_file = "hmac.key"

[[features]]
name = "artist"
kind = "categorical"
role = "both"

[[features]]
name = "song_popularity"
kind = "numeric"
role = "preference"

[[features]]
name = "user_plan"
kind = "categorical"
role = "context"
source = "user.plan"

[[features]]
name = "plays"
role = "preference"
aggregate = { entity = ["user"], function = "count", windows = [2] }

[[features]]
name = "listeners"
role = "preference"
aggregate = { entity = ["song"], function = "approx_distinct", windows = [2], value = "user" }

[[dimensions]]
entity = "user"
feed = "users/dt={date}"
format = "jsonl"
attributes = { plan = "categorical" }
"""


def others_of(day: date) -> list[Event]:
    """Return the plays of three users, each a session."""
    moments = [datetime.combine(day, time(hour), UTC) for hour in (9, 12, 15)]
    return [Event(f"{moment:%d-%H}", moment, user_id=f"u{moment.hour}") for moment in moments]


def rows_of_ann(day: date) -> list[dict[str, Any] | str]:
    """Return plays of the user, one without an id, and rows that nobody can read and that name her."""
    start = datetime.combine(day, time(10), UTC)
    named = [
        Event(f"ann-{day:%d}-{number}", start + timedelta(minutes=5 * number), ANN) for number in range(2)
    ]
    unnamed = feed_row(Event("", start + timedelta(minutes=12), ANN))
    bad = feed_row(Event(f"ann-{day:%d}-bad", start, ANN, feedback="applause"))
    return [*map(feed_row, named), {**unnamed, "event_id": None}, bad, f'{{"user_id": "{ANN}", "song']


def statements_of(day: date) -> list[dict[str, Any]]:
    """Return what the feed of users says on a day."""
    said = {"valid_from": f"{day.isoformat()}T00:00:00Z", "plan": f"plan of {day:%d}"}
    return [{"user_id": user, **said} for user in (ANN, "u9", "u12", "u15")]


def deliver(folder: Path, day: date, *, more: Iterable[dict[str, Any] | str] = ()) -> None:
    """Write the slots of a day, of plays and of users."""
    hers = rows_of_ann(day) if day != DAYS[0] else []
    unreadable = ["{cut"] if day == THIRD else []
    rows = [*map(feed_row, others_of(day)), *hers, *unreadable, *more]
    write_slot(folder / "feed", day, rows)
    write_slot(folder / "users", day, statements_of(day))


def opened(spark: SparkSession, folder: Path, *overrides: str) -> TableStore:
    return TableStore(spark, load_config(folder / "uae.toml", overrides=overrides))


def made(spark: SparkSession, folder: Path) -> None:
    """Make the nights, and a truth, a training snapshot and an evaluation's plays beside them."""
    folder.mkdir()
    (folder / "hmac.key").write_text("k" * 32)
    (folder / "uae.toml").write_text(SETTINGS)
    for day in DAYS:
        deliver(folder, day)
    with scoring():
        for day in (SECOND, THIRD):
            run_night(opened(spark, folder), REGISTRY, day)
    store = opened(spark, folder)
    truth = store.read("events").select("event_id", "dt")
    for name, kind in (("attended", "boolean"), ("attention", "double"), ("propensity", "double")):
        truth = truth.withColumn(name, F.lit(0).cast(kind))
    for name in ("relevance", "liking", "simulated_session"):
        truth = truth.withColumn(name, F.lit(0).cast(store.contract("truth").schema[name].dataType))
    store.merge_new("truth", truth, DAYS, "true", {"seed": 1})
    write_snapshot(store, [SECOND], [THIRD])
    evaluation_plays(store, {0: [SECOND], 1: [THIRD]})


@contextmanager
def scoring() -> Iterator[None]:
    """Let a constant stand in for the networks."""

    def scored(plays: DataFrame, *_: Any, **_options: Any) -> DataFrame:
        for column in ("attention", "propensity", "sample_weight"):
            plays = plays.withColumn(column, F.lit(0.5))
        return plays.withColumn("weighting", F.lit("linear(smoothed)"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "score_plays", scored)
        patch.setattr(scores, "serialise", lambda state: b"")
        yield


def put_back(spark: SparkSession, pristine: Path) -> Iterator[Path]:
    """Give the folder, and put it back afterwards: paths stand in its tables' logs."""
    saved = pristine.with_name("saved")
    shutil.copytree(pristine, saved)
    yield pristine
    shutil.rmtree(pristine)
    saved.rename(pristine)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]


def pseudonym_of(store: TableStore, raw: str) -> str:
    return str(user_hasher(read_key(store.config))(pd.Series([raw])).tolist()[0])


def ids_of(store: TableStore, user: str) -> list[str]:
    """Return all ids that stand for a user: its pseudonym, and those of its events and sessions."""
    events = store.read("events").where(F.col("user_id") == user).select("event_id").collect()
    sessions = store.read("plays").where(F.col("user_id") == user).select("session_id").distinct().collect()
    return [user, *(row[0] for row in [*events, *sessions])]


def planned(store: TableStore, day: date = THIRD) -> list[str]:
    units, notices = plan_night(store, REGISTRY, day)
    return [*map(str, units), *notices]


def holding(
    folder: Path, texts: Iterable[str], *, but: Iterable[str] = ("feed", "users")
) -> dict[str, list[str]]:
    """Return the files below a folder that hold one of some texts, by text.

    Files are searched byte by byte, and of Parquet files every value of every column, which their compression
    hides. Top folders in ``but`` are left out, if they are the feed's and no table's.
    """
    hits: dict[str, list[str]] = {}
    wanted = {text: text.encode() for text in texts}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        below = file.relative_to(folder)
        if below.parts[0] in but:
            continue
        content = file.read_bytes()
        if file.name.endswith(".parquet"):
            content += json.dumps(pq.read_table(file).to_pylist(), default=str, ensure_ascii=False).encode()
        for text, data in wanted.items():
            if data in content:
                hits.setdefault(text, []).append(str(below))
    return hits
