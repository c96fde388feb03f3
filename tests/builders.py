"""Small events, feeds and a slow but obvious reference for sessions."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from uae_model.config import Config
from uae_model.lake import contract_for

DAY = date(2026, 1, 5)
GATHERED_WRITES = "spark.databricks.delta.optimizeWrite.enabled"
"""Setting of a session: off, a small day has a file of each task, as a large one has."""


def at(text: str) -> datetime:
    """Parse ``HH:MM`` on the first day, or ``DD HH:MM[:SS]`` of January 2026, as UTC."""
    day, _, clock = text.rpartition(" ")
    form = "%H:%M:%S" if clock.count(":") == 2 else "%H:%M"
    return datetime.strptime(clock, form).replace(year=2026, month=1, day=int(day or DAY.day), tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """One play event as tests write it."""

    event_id: str
    played_at: datetime
    user_id: str = "u1"
    song_id: str = "s1"
    played_ms: int | None = 180_000
    feedback: str = "auto_play"
    device: str | None = "phone"

    @property
    def ended(self) -> datetime:
        return self.played_at + timedelta(milliseconds=self.played_ms or 0)


def event(event_id: str, when: str, **fields: Any) -> Event:
    """Return an event at ``at(when)``."""
    return Event(event_id, at(when), **fields)


def feed_row(item: Event) -> dict[str, Any]:
    """Return an event as a row of the default feed."""
    return {
        "event_id": item.event_id,
        "user_id": item.user_id,
        "song_id": item.song_id,
        "played_at": item.played_at.isoformat(),
        "played_ms": item.played_ms,
        "feedback": item.feedback,
        "device": item.device,
        "play_source": "radio",
        "artist": "artist of " + item.song_id,
        "genre": "rock",
        "song_popularity": 0.5,
        "genre_affinity": -0.25,
    }


def write_slot(
    folder: Path, day: date, rows: Iterable[dict[str, Any] | str], *, name: str = "part-0.json"
) -> Path:
    """Write a JSON lines slot with its marker; a string is written as it is."""
    slot = folder / f"dt={day.isoformat()}"
    slot.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (slot / name).write_text("".join(line + "\n" for line in lines))
    (slot / "_SUCCESS").touch()
    return slot


def deliver(folder: Path, events: Sequence[Event], *, until: date) -> None:
    """Write events into the slots of their own days, complete and possibly empty, up to ``until``."""
    by_day: dict[date, list[Event]] = defaultdict(list)
    for item in events:
        by_day[item.played_at.date()].append(item)
    day = min([*by_day, DAY])
    while day <= until:
        write_slot(folder, day, [feed_row(item) for item in by_day.get(day, [])])
        day += timedelta(days=1)


def events_frame(
    spark: SparkSession,
    events: Sequence[Event],
    config: Config,
    columns: Mapping[str, Callable[[Event], Any]] = MappingProxyType({}),
) -> DataFrame:
    """Return events as rows of the ``events`` contract, with raw user ids and the values of ``columns``."""
    schema = contract_for("events", config).schema
    rows = []
    for item in events:
        row = {**feed_row(item), "played_at": item.played_at, "dt": item.played_at.date()}
        row |= {name: value_of(item) for name, value_of in columns.items()}
        rows.append([row.get(name) for name in schema.fieldNames()])
    return spark.createDataFrame(rows, schema)


@dataclass(frozen=True)
class ReferencePlay:
    """What the reference says of one play."""

    event_id: str
    session_started_at: datetime
    position: int


def reference_sessions(events: Sequence[Event], config: Config) -> dict[str, ReferencePlay]:
    """Cut sessions by walking through each user's events once, day rule by day rule.

    An independent, sequential statement of the rules in ``uae_model.sessions.cut``.
    """
    rules = config.sessions
    gap = timedelta(minutes=rules.gap_minutes)
    longest = timedelta(hours=rules.max_hours)
    plays_per_day: dict[tuple[str, date], int] = defaultdict(int)
    for item in events:
        plays_per_day[item.user_id, item.played_at.date()] += 1
    found: dict[str, ReferencePlay] = {}
    for user in {item.user_id for item in events}:
        mine = sorted((i for i in events if i.user_id == user), key=lambda i: (i.played_at, i.event_id))
        latest: datetime | None = None
        started = datetime.min.replace(tzinfo=UTC)
        position = 0
        for item in mine:
            is_bot = plays_per_day[user, item.played_at.date()] > rules.max_plays_per_user_day
            goes_on = latest is not None and item.played_at - latest <= gap
            if goes_on and item.played_at < started + longest:
                position += 1
            elif goes_on:
                cuts = (item.played_at - started) // longest
                started, position = started + cuts * longest, 1
                if is_bot and started.date() == item.played_at.date():
                    latest = None
                    continue
            elif is_bot:
                latest = None
                continue
            else:
                started, position = item.played_at, 1
            latest = max(item.ended, latest) if goes_on and latest else item.ended
            found[item.event_id] = ReferencePlay(item.event_id, started, position)
    return found


def with_feedback(item: Event, feedback: str) -> Event:
    """Return the event with other feedback."""
    return replace(item, feedback=feedback)


MSSD_HEADER = (
    "session_id,session_position,session_length,track_id_clean,skip_1,skip_2,skip_3,not_skipped,context_switch,"
    "no_pause_before_play,short_pause_before_play,long_pause_before_play,hist_user_behavior_n_seekfwd,"
    "hist_user_behavior_n_seekback,hist_user_behavior_is_shuffle,hour_of_day,date,premium,context_type,"
    "hist_user_behavior_reason_start,hist_user_behavior_reason_end"
)
"""The first line of every file of Spotify's Music Streaming Sessions Dataset."""


def mssd_row(session: str, position: object, ended_by: str = "trackdone", **fields: object) -> str:
    """Return a line of the dataset: a play at six in the morning of 16 July 2018 unless told otherwise."""
    row = {
        **dict.fromkeys(MSSD_HEADER.split(","), "0"),
        **{"session_id": session, "session_position": position, "session_length": 20},
        **{
            "track_id_clean": f"t_{position}",
            "not_skipped": "true",
            "hist_user_behavior_is_shuffle": "false",
        },
        **{"hour_of_day": 6, "date": "2018-07-16", "premium": "true", "context_type": "radio"},
        **{"hist_user_behavior_reason_start": "trackdone", "hist_user_behavior_reason_end": ended_by},
        **fields,
    }
    return ",".join(str(row[name]) for name in MSSD_HEADER.split(","))


def write_mssd(folder: Path, lines: Iterable[str]) -> Path:
    """Write lines as one compressed file of the dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in [MSSD_HEADER, *lines])
    (folder / "log_0.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder
