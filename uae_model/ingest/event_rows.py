"""Rows of text into typed events, column by column, as workers do it: without Spark, each value read once.

A row's reason joins the kinds of all its faults, so that a person mends the source once; the values that
show them stand in a column of their own. Reasons are made for bad rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from uae_model.ingest.forgotten import FORGOTTEN, NOBODY, forgotten_rows
from uae_model.ingest.identity import event_digest, natural_id, user_digest
from uae_model.ingest.raw_batches import TOLD, Bound, Fields, reason_and_value, refused, shown_rows
from uae_model.ingest.typed_values import (
    INSTANT,
    ValueFault,
    by_distinct,
    finite,
    holds,
    instants,
    is_null,
    missing,
    numbers,
    sparse,
    texts_of,
    trimmed,
    unreadable,
    unreadable_number,
    whole_numbers,
)

REQUIRED = ("user_id", "song_id", "played_at", "feedback")
OPTIONAL = ("event_id", "played_ms")
MILLISECOND = 1_000
HOUR_MS = 3_600_000

REMEMBERED = 1_000_000
"""Pseudonyms that a task remembers, at most: some 200 MB."""


@dataclass(frozen=True)
class FeedFeature:
    """A feature that the feed brings: its name, its kind, and the source column."""

    name: str
    is_numeric: bool
    source: str


@dataclass(frozen=True)
class EventRules:
    """What makes an event of a row.

    Attributes:
        sources: the source column of each target; None where the feed has none.
        features: those of the feed, in the order of ``events``.
        feedback_map: the feedback type of each value of the feed.
        time_format: of ``played_at``.
        milliseconds: of one unit of the feed's duration.
        at_end: whether the feed tells when a play ended.
        max_play_hours: longer ones are refused.
        bounds: starts that are refused.
        key: the HMAC key.
        hashes_event_ids: whether the feed's event ids are hashed.
        forgotten: digests of users whose rows are marked.
    """

    sources: dict[str, str | None]
    features: tuple[FeedFeature, ...]
    feedback_map: dict[str, str]
    time_format: str
    milliseconds: int
    at_end: bool
    max_play_hours: float
    bounds: tuple[Bound, ...]
    key: bytes = field(repr=False)
    hashes_event_ids: bool = False
    forgotten: frozenset[str] = NOBODY


def event_schema(features: Sequence[FeedFeature]) -> pa.Schema:
    """Return the columns of ``events`` but for the slot that brought a row."""
    text = pa.string()
    return pa.schema(
        [
            *[(name, text) for name in ("event_id", "user_id", "song_id")],
            ("played_at", INSTANT),
            ("played_ms", pa.int64()),
            ("feedback", text),
            *[(feature.name, pa.float64() if feature.is_numeric else text) for feature in features],
            ("dt", pa.date32()),
        ]
    )


def parsed_schema(features: Sequence[FeedFeature]) -> pa.Schema:
    """Return the columns of parsed rows: ``TOLD`` and those of ``events``."""
    return pa.schema([*TOLD, *event_schema(features)])


class EventParser:
    """Parses batches of raw rows; one for each task, since it remembers the pseudonyms that it has made."""

    def __init__(self, rules: EventRules) -> None:
        self.rules = rules
        self._user_hash = lru_cache(REMEMBERED)(user_digest(rules.key))
        self._event_hash = event_digest(rules.key)

    def parsed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows as ``parsed_schema`` says: typed, with the reasons of those that are no events.

        Args:
            batch: ``source``, ``raw``, ``problem``, ``value``, ``report``, ``instant`` and the ``fields``, a
                struct of text.
        """
        rules = self.rules
        of = Fields(batch)
        text = {target: trimmed(of(rules.sources[target])) for target in (*REQUIRED, *OPTIONAL)}
        text["played_at"] = of(rules.sources["played_at"])
        if "" in rules.feedback_map:
            text["feedback"] = pc.fill_null(text["feedback"], "")
        instant = batch["instant"]
        if instant.null_count:
            instant = pc.coalesce(instant, instants(text["played_at"], rules.time_format))
        duration = pc.multiply(numbers(text["played_ms"]), float(rules.milliseconds))
        start = self._start(instant, duration)
        feedback = by_distinct(text["feedback"], rules.feedback_map.get, pa.string())
        features = {feature.name: trimmed(of(feature.source)) for feature in rules.features}
        numeric = {
            feature.name: numbers(features[feature.name]) for feature in rules.features if feature.is_numeric
        }
        faults = [
            *[missing(text[name], name) for name in REQUIRED],
            unreadable(text["played_at"], instant, "played_at"),
            _unknown(text["feedback"], feedback),
            *self._bad_durations(text["played_ms"], duration),
            *refused(start, rules.bounds),
            *[
                unreadable_number(features[name], number, f"feature {name}")
                for name, number in numeric.items()
            ],
        ]
        reason, value = reason_and_value(batch, of.is_split, faults)
        pseudonym = by_distinct(text["user_id"], self._user_hash, pa.string())
        raw = shown_rows(batch, reason)
        columns = {
            "source": batch["source"],
            "raw": raw,
            FORGOTTEN: forgotten_rows(text["user_id"], raw, ~is_null(reason), rules.forgotten, rules.key),
            "report": batch["report"],
            "reason": reason,
            "value": value,
            "event_id": self._event_ids(text["event_id"], pseudonym, text["song_id"], start),
            "user_id": pseudonym,
            "song_id": text["song_id"],
            "played_at": start,
            "played_ms": whole_numbers(duration),
            "feedback": feedback,
            **{feature.name: numeric.get(feature.name, features[feature.name]) for feature in rules.features},
            "dt": start.cast(pa.date32()),
        }
        schema = parsed_schema(rules.features)
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)

    def _start(self, instant: pa.Array, duration: pa.Array) -> pa.Array:
        """Return the start of each play, NULL where its time cannot be read."""
        if not self.rules.at_end:
            return instant
        # A duration that will be quarantined moves nothing.
        longest = self.rules.max_play_hours * HOUR_MS
        inside = pc.and_(pc.greater_equal(duration, 0.0), pc.less_equal(duration, longest))
        known = pc.if_else(pc.fill_null(inside, False), duration, 0.0)
        micros = pc.multiply(pc.trunc(known).cast(pa.int64()), MILLISECOND)
        return pc.subtract(instant.cast(pa.int64()), micros).cast(INSTANT)

    def _bad_durations(self, text: pa.Array, duration: pa.Array) -> list[ValueFault]:
        hours = self.rules.max_play_hours
        shown = texts_of(text)
        is_number = holds(finite(duration))
        return [
            ValueFault(~is_null(text) & ~is_number, "played_ms is no number", shown),
            ValueFault(is_number & holds(pc.less(duration, 0.0)), "played_ms is negative", shown),
            ValueFault(
                is_number & holds(pc.greater(duration, hours * HOUR_MS)),
                f"played_ms is longer than sessions.max_play_hours = {hours:g}",
                shown,
            ),
        ]

    def _event_ids(
        self, given: pa.Array, pseudonym: pa.Array, song_id: pa.Array, start: pa.Array
    ) -> pa.Array:
        """Return the feed's ids, and for events without one that of who played what when."""
        if self.rules.hashes_event_ids:
            given = by_distinct(given, self._event_hash, pa.string())
        if not given.null_count:
            return given
        lacking = np.flatnonzero(is_null(given))
        places = pa.array(lacking)
        parts = [column.take(places).to_pylist() for column in (pseudonym, song_id, start.cast(pa.int64()))]
        made = {int(place): natural_id(*values) for place, *values in zip(lacking, *parts, strict=True)}
        return pc.coalesce(given, sparse(made, len(given)))


def _unknown(text: pa.Array, feedback: pa.Array) -> ValueFault:
    return ValueFault(~is_null(text) & is_null(feedback), "unknown feedback", texts_of(text))
