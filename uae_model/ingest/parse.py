"""From text to typed events, each row with the reasons why it cannot be one.

What a row must hold is said here, by the settings; ``event_rows`` is what workers run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.config import Config, Feature
from uae_model.core.dates import midnight
from uae_model.core.errors import InputError
from uae_model.ingest.event_rows import (
    OPTIONAL,
    REQUIRED,
    EventParser,
    EventRules,
    FeedFeature,
    parsed_schema,
)
from uae_model.ingest.forgotten import NOBODY
from uae_model.ingest.raw_batches import Bound, never_set
from uae_model.ingest.typed_values import micros_since_epoch
from uae_model.ingest.values import completed

MILLISECONDS = {"milliseconds": 1, "seconds": 1000}
"""Of one unit of ``feed.played_unit``."""


def parse_rows(
    rows: DataFrame, config: Config, day: date | None, key: bytes, forgotten: frozenset[str] = NOBODY
) -> DataFrame:
    """Turn raw rows into typed events.

    Args:
        rows: ``source``, ``fields`` and perhaps the others that ``read_slot`` gives.
        config: the column map, the feedback map, the features and the limits.
        day: the day of the feed slot, against which late and future rows are judged; None for a
            static dataset, where only times after the run itself are refused.
        key: the HMAC key.
        forgotten: digests of users whose rows are marked as ``forgotten``.

    Returns:
        ``source``, ``raw``, ``report``, ``reason`` and ``value`` (NULL for a good row), ``forgotten`` and the
        columns of ``events``.

    Raises:
        InputError: if the feed has no column for something that the configuration reads.
    """
    text = as_text(completed(rows))
    rules = event_rules(config, text.select("fields.*").columns, day, key, forgotten)

    def parsed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        parser = EventParser(rules)
        return (parser.parsed(batch) for batch in batches)

    return text.mapInArrow(parsed, from_arrow_schema(parsed_schema(rules.features)))


def as_text(rows: DataFrame) -> DataFrame:
    """Return raw rows with all fields as text: some datasets give numbers and times."""
    kinds = {column.name: column.dataType.simpleString() for column in rows.select("fields.*").schema.fields}
    fields = F.col("fields")
    if set(kinds.values()) != {"string"}:
        texts = [_field(name).cast("string").alias(name) for name in kinds]
        fields = F.when(F.col("fields").isNotNull(), F.struct(*texts))
    names = ("source", "raw", "problem", "value", "report", "instant")
    return rows.select(*names, fields.alias("fields"))


def event_rules(
    config: Config,
    available: Sequence[str],
    day: date | None,
    key: bytes,
    forgotten: frozenset[str] = NOBODY,
) -> EventRules:
    """Return what makes an event of a row.

    Args:
        config: the settings.
        available: the source columns that the feed has.
        day: of the slot, as for ``parse_rows``.
        key: the HMAC key.
        forgotten: as for ``parse_rows``.

    Raises:
        InputError: if the feed has no column for something that the configuration reads.
    """
    return EventRules(
        sources={target: _source_of(target, config, available) for target in (*REQUIRED, *OPTIONAL)},
        features=tuple(
            FeedFeature(feature.name, feature.kind == "numeric", _feature_source(feature, config, available))
            for feature in config.features.of_origin("feed")
        ),
        feedback_map=dict(config.feed.feedback_map),
        time_format=config.feed.time_format,
        milliseconds=MILLISECONDS[config.feed.played_unit],
        at_end=config.feed.time_of == "end",
        max_play_hours=config.sessions.max_play_hours,
        bounds=_bounds(config, day),
        key=key,
        hashes_event_ids=config.identity.hash_event_ids,
        forgotten=forgotten,
    )


def needed_columns(config: Config) -> dict[str, str]:
    """Return what to say where no file of a slot has a column, by the column's name in the feed.

    The core columns are required of each file by its reader; these may be missing in some.
    """
    said = {}
    for target in OPTIONAL:
        if target in config.feed.columns:
            said[config.feed.columns[target]] = _no_column(config.feed.columns[target], target)
    for feature in config.features.of_origin("feed"):
        said[_source(feature, config)] = _no_feature(feature, config)
    return {name: message.format(columns="{columns}") for name, message in said.items()}


def _no_column(source: str, target: str) -> str:
    return (
        f"the feed has no column {source!r} for {target}; its columns are {{columns}}; "
        f"set feed.columns.{target}"
    )


def _no_feature(feature: Feature, config: Config) -> str:
    return (
        f"the feed has no column {_source(feature, config)!r}, which feature {feature.name!r} "
        f"reads; its columns are "
        f"{{columns}}; set feed.columns.{feature.source_column} or drop the feature"
    )


def _source(feature: Feature, config: Config) -> str:
    return config.feed.source_column(feature.source_column)


def _source_of(target: str, config: Config, available: Sequence[str]) -> str | None:
    """Return the source column of a target; of an optional one None where the feed has none."""
    source = config.feed.source_column(target)
    if source in available:
        return source
    if target in REQUIRED or target in config.feed.columns:
        raise InputError(_no_column(source, target).format(columns=", ".join(available)))
    return None


def _feature_source(feature: Feature, config: Config, available: Sequence[str]) -> str:
    source = _source(feature, config)
    if source not in available:
        raise InputError(_no_feature(feature, config).format(columns=", ".join(available)))
    return source


def _bounds(config: Config, day: date | None) -> tuple[Bound, ...]:
    """Return the starts that are refused, in the order in which faults are told."""
    feed = config.feed
    unset = never_set(feed.earliest_date, "feed.earliest_date", "starts")
    if day is None:
        return unset, Bound(micros_since_epoch(datetime.now(UTC)), False, "starts in the future")
    latest = midnight(day) + timedelta(days=1, hours=feed.future_hours)
    late = f"is later than feed.late_days = {feed.late_days} allows"
    first = micros_since_epoch(midnight(day) - timedelta(days=feed.late_days))
    return (
        unset,
        Bound(micros_since_epoch(latest), False, "starts after the feed's day"),
        Bound(first, True, late, unless_before=unset.micros),
    )


def _field(source: str) -> Column:
    escaped = source.replace("`", "``")
    return F.col(f"fields.`{escaped}`")
