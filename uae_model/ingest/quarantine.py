"""Rows of the feed that could not be read, as the table ``quarantine`` keeps them."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.feed import Slot
from uae_model.lake import NO_DAY


def quarantine_day(slot: Slot) -> date:
    """Return the partition of a slot's bad rows; those of a static dataset belong to no day."""
    return slot.day or NO_DAY


def quarantine_rows(parsed: DataFrame, slot: Slot, run_id: str) -> DataFrame:
    """Return the bad rows of a slot as the contract wants them; equal ones are one row with their number."""
    return (
        parsed.where(F.col("reason").isNotNull())
        .groupBy("source", "raw", "reason", "value")
        .agg(F.count("*").alias("occurrences"))
        .select(
            F.lit(slot.name).alias("slot"),
            "source",
            F.substring(F.sha2(F.coalesce("raw", F.lit("")), 256), 1, 32).alias("row"),
            "raw",
            "reason",
            "value",
            "occurrences",
            F.lit(run_id).alias("run_id"),
            F.lit(quarantine_day(slot)).alias("dt"),
        )
    )


def occurrences(quarantine: DataFrame) -> int:
    """Return how many rows of the feed some rows of ``quarantine`` stand for."""
    return int(quarantine.agg(F.coalesce(F.sum("occurrences"), F.lit(0)).alias("rows")).collect()[0]["rows"])
