"""Rows of the feed that could not be read, as the table ``quarantine`` keeps them: sealed.

A row and the values that show its faults may hold the raw id of a user in any place, since nobody could read
it. So both are sealed with the key (``sealing``): an operator who has it can look at a row and mend it.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.logs import log
from uae_model.ingest.feed import Slot
from uae_model.ingest.sealing import is_plain, row_digest, sealed, unsealed
from uae_model.lake import NO_DAY, TableStore
from uae_model.lake.rewrites import rewrite

ROWS = "uae.rows"
"""Property of the table: whether its rows are sealed. Those of a former version are not."""

SEALED_COLUMNS = ("raw", "value")


def quarantine_day(slot: Slot) -> date:
    """Return the partition of a slot's bad rows; those of a static dataset belong to no day."""
    return slot.day or NO_DAY


def quarantine_rows(bad_rows: DataFrame, slot: Slot, run_id: str, key: bytes) -> DataFrame:
    """Return the bad rows of a slot as the contract wants them; equal ones are one row with their number."""
    grouped = bad_rows.groupBy("source", "raw", "reason", "value").agg(F.count("*").alias("occurrences"))
    return grouped.select(
        F.lit(slot.name).alias("slot"),
        "source",
        row_digest(F.col("raw"), key).alias("row"),
        sealed(F.col("raw"), key).alias("raw"),
        "reason",
        sealed(F.col("value"), key).alias("value"),
        "occurrences",
        F.lit(run_id).alias("run_id"),
        F.lit(quarantine_day(slot)).alias("dt"),
    )


def seal_former_rows(store: TableStore, key: bytes) -> None:
    """Seal what a former version of this code left in quarantine as it came.

    The table is made where there is none. Its old versions keep the plain rows until a vacuum removes their
    files.
    """
    if store.properties("quarantine").get(ROWS) == "sealed":
        return
    if store.exists("quarantine"):
        held = store.read("quarantine")
        plain = held.where(is_plain(F.col("raw")) | is_plain(F.col("value"))).count()
        if plain:
            rewrite(store, "quarantine", sealed_rows(held, key), "seal", once="uae seal quarantine")
        log("rows of a former version are sealed", table="quarantine", rows=plain)
    store.set_properties("quarantine", {ROWS: "sealed"})


def sealed_rows(held: DataFrame, key: bytes) -> DataFrame:
    """Return rows of quarantine with whatever is plain sealed, and the digest that the key gives."""
    is_former = is_plain(F.col("raw")) | is_plain(F.col("value"))
    texts = {
        name: F.when(is_plain(F.col(name)), sealed(F.col(name), key)).otherwise(F.col(name))
        for name in SEALED_COLUMNS
    }
    row = F.when(is_former, row_digest(F.col("raw"), key)).otherwise(F.col("row"))
    return held.withColumns({**texts, "row": row})


def resealed_rows(held: DataFrame, former: bytes, new: bytes) -> DataFrame:
    """Return sealed rows as another key seals them."""
    texts = {f"_{name}": unsealed(F.col(name), former) for name in SEALED_COLUMNS}
    changed = {name: sealed(F.col(f"_{name}"), new) for name in SEALED_COLUMNS}
    return (
        held.withColumns(texts)
        .withColumns({**changed, "row": row_digest(F.col("_raw"), new)})
        .select(held.columns)
    )


def occurrences(quarantine: DataFrame) -> int:
    """Return how many rows of the feed some rows of ``quarantine`` stand for."""
    return int(quarantine.agg(F.coalesce(F.sum("occurrences"), F.lit(0)).alias("rows")).collect()[0]["rows"])
