"""What would become of a slot's rows, without writing any: for a look before the first night."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.listing import Listing
from uae_model.ingest.parse import needed_columns, parse_rows
from uae_model.ingest.raw import read_slot
from uae_model.ingest.reports import check_reports, kept, reports_of, without_reports
from uae_model.ingest.statements import needed_statement_columns, parse_statements, read_statements

NO_KEY = b"nothing is written"
"""Stands in for the key of the pseudonyms, of which nothing is kept."""

OF_SEVERAL_FILES = ("30music", "yambda")
"""Datasets of which one file alone cannot be read."""


@dataclass(frozen=True)
class SlotCheck:
    """What would become of rows.

    Attributes:
        slot: its name.
        files: how many were read.
        rows: how many were looked at.
        reasons: how many of them would be quarantined, by the kinds of their faults, most first.
        examples: a value that shows each kind, where there is one.
        fit: the columns that hold something.
        missing: the columns that are read and hold nothing.
    """

    slot: str
    files: int
    rows: int
    reasons: dict[str, int]
    examples: dict[str, str]
    fit: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def quarantined(self) -> int:
        """How many rows would be quarantined."""
        return sum(self.reasons.values())

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, for a summary."""
        return {**vars(self), "quarantined": self.quarantined}


def check_slot(
    spark: SparkSession,
    config: Config,
    slot: Slot,
    *,
    listing: Listing | None = None,
    rows: int | None = None,
) -> SlotCheck:
    """Read a slot, or some of its files, and judge its rows as ingest does; write nothing.

    Args:
        spark: the session.
        config: the settings.
        slot: the slot.
        listing: its files; all of them by default.
        rows: how many rows to look at, at most; all by default.

    Raises:
        InputError: if a file cannot be read or a required column is missing.
    """
    listed = listing or Feed(spark, config).files(slot)
    raw = read_slot(spark, slot, config, listed)
    if rows is not None:
        raw = raw.limit(rows + 1)  # and the report, where the file is as short as that
    parse = partial(parse_rows, config=config, day=slot.day, key=NO_KEY)
    return _judged(slot, listed, raw, needed_columns(config), parse, rows)


def check_dimension_slot(spark: SparkSession, config: Config, slot: Slot, dimension: Dimension) -> SlotCheck:
    """Read a slot of a dimension and judge its rows as ingest does; write nothing.

    Raises:
        InputError: if a file cannot be read or a required column is missing.
    """
    listed = Feed(spark, config, dimension).files(slot)
    raw = read_statements(spark, slot, dimension, listed)
    parse = partial(parse_statements, dimension=dimension, key=NO_KEY)
    return _judged(slot, listed, raw, needed_statement_columns(dimension), parse, None)


def _judged(
    slot: Slot,
    listed: Listing,
    raw: DataFrame,
    needed: Mapping[str, str],
    parse: Callable[[DataFrame], DataFrame],
    rows: int | None,
) -> SlotCheck:
    with kept(raw) as held:
        reports = reports_of(held)
        check_reports(slot.name, reports, needed, accept_empty=True)
        seen = without_reports(held) if rows is None else without_reports(held).limit(rows)
        names = held.select("fields.*").columns
        filled = seen.select(
            F.count("*").alias("rows"), F.struct(*[F.count(_field(name)).alias(name) for name in names])
        ).collect()[0]
        bad = parse(seen).where(F.col("reason").isNotNull()).groupBy("reason")
        kinds = bad.agg(F.count("*").alias("rows"), F.min("value").alias("value")).collect()
    kinds.sort(key=lambda row: (-row["rows"], row["reason"]))
    counts = list(filled[1])
    return SlotCheck(
        slot=slot.name,
        files=len(listed.data),
        rows=filled["rows"],
        reasons={row["reason"]: row["rows"] for row in kinds},
        examples={row["reason"]: row["value"] for row in kinds if row["value"] is not None},
        fit=tuple(name for name, count in zip(names, counts, strict=True) if count),
        missing=tuple(name for name, count in zip(names, counts, strict=True) if not count),
    )


def check_first_file(spark: SparkSession, config: Config, slot: Slot, rows: int) -> SlotCheck:
    """Judge the first rows of a slot's first file, as ``check_slot`` does."""
    listed = Feed(spark, config).files(slot)
    if config.feed.format not in OF_SEVERAL_FILES:
        listed = Listing(listed.data[:1], listed.left_out)
    return check_slot(spark, config, slot, listing=listed, rows=rows)


def _field(name: str) -> str:
    escaped = name.replace("`", "``")
    return f"fields.`{escaped}`"
