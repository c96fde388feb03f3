"""Reading a feed slot: every row keeps its text, so that a bad one is never lost.

The result has three columns: ``source`` (slot and file), ``raw`` (the row as text) and ``fields`` (a
struct of the source columns; NULL where the row could not be split into columns).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from uae_model.config import Config
from uae_model.errors import InputError
from uae_model.feed import Slot
from uae_model.ingest.mssd import MSSD_COLUMNS, mssd_fields

CORRUPT = "_corrupt_record"


def read_slot(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    """Return the rows of a slot as ``source``, ``raw`` and ``fields``.

    Raises:
        InputError: if a required column is missing in the files' schema.
    """
    readers: dict[str, Callable[[SparkSession, Slot, Sequence[str]], DataFrame]] = {
        "parquet": _read_parquet,
        "jsonl": _read_json_lines,
        "csv": _read_csv,
        "mssd": _read_mssd,
    }
    return readers[config.feed.format](spark, slot, source_columns(config))


def source_columns(config: Config) -> list[str]:
    """Return the feed columns that the configuration reads, each once, in a fixed order."""
    targets = ["event_id", "user_id", "song_id", "played_at", "played_ms", "feedback"]
    mapped = [config.feed.columns.get(target, target) for target in targets]
    mapped += [
        config.feed.columns.get(feature.source_column, feature.source_column)
        for feature in config.features_from("feed")
    ]
    return list(dict.fromkeys(mapped))


def _source(slot: Slot) -> Column:
    return F.concat(F.lit(f"{slot.name}/"), F.col("_metadata.file_name"))


def _read_parquet(spark: SparkSession, slot: Slot, columns: Sequence[str]) -> DataFrame:
    del columns  # the files know their own
    frame = spark.read.parquet(slot.path)
    everything = F.struct(*[F.col(f"`{name}`") for name in frame.columns])
    return frame.select(
        _source(slot).alias("source"),
        F.to_json(everything).alias("raw"),
        everything.alias("fields"),
    )


def _read_json_lines(spark: SparkSession, slot: Slot, columns: Sequence[str]) -> DataFrame:
    schema = T.StructType([T.StructField(name, T.StringType()) for name in [*columns, CORRUPT]])
    parsed = F.from_json("raw", schema, {"columnNameOfCorruptRecord": CORRUPT})
    return _split_text(_read_text(spark, slot), parsed)


def _read_csv(spark: SparkSession, slot: Slot, columns: Sequence[str]) -> DataFrame:
    return _csv_rows(spark, slot, columns, columns[1:4])


def _read_mssd(spark: SparkSession, slot: Slot, columns: Sequence[str]) -> DataFrame:
    del columns  # the dataset's own
    return mssd_fields(_csv_rows(spark, slot, MSSD_COLUMNS, MSSD_COLUMNS))


def _csv_rows(spark: SparkSession, slot: Slot, columns: Sequence[str], required: Sequence[str]) -> DataFrame:
    header = _header(spark, slot)
    # Files without even a header hold no rows, whatever their columns would have been.
    names = [name.strip().strip('"') for name in header.split(",")] if header else list(columns)
    absent = [name for name in required if name not in names]
    if absent:
        raise InputError(
            f"feed slot {slot.name}: no column {', '.join(absent)} in the header {header!r}; "
            "name the source columns in [feed.columns]"
        )
    schema = ", ".join(f"`{name}` STRING" for name in [*names, CORRUPT])
    lines = _read_text(spark, slot).where(F.col("raw") != header)
    return _split_text(lines, F.from_csv(F.col("raw"), schema, {"columnNameOfCorruptRecord": CORRUPT}))


def _read_text(spark: SparkSession, slot: Slot) -> DataFrame:
    lines = spark.read.text(slot.path).select(_source(slot).alias("source"), F.col("value").alias("raw"))
    return lines.where(F.trim("raw") != "")


def _split_text(lines: DataFrame, parsed: Column) -> DataFrame:
    """Attach the parsed struct without the helper column; NULL where the line was malformed."""
    split = lines.withColumn("parsed", parsed)
    kept = [name for name in split.select("parsed.*").columns if name != CORRUPT]
    fields = F.struct(*[F.col(f"parsed.`{name}`").alias(name) for name in kept])
    is_good = F.col("parsed").isNotNull() & F.col(f"parsed.{CORRUPT}").isNull()
    return split.select("source", "raw", F.when(is_good, fields).alias("fields"))


def _header(spark: SparkSession, slot: Slot) -> str:
    """Return the header line that all CSV files of the slot share; empty where all files are.

    Raises:
        InputError: if the files disagree: one reading order would put values into wrong columns.
    """
    first_lines = {
        row["value"]
        for row in spark.read.text(slot.path)
        .where(F.col("_metadata.file_block_start") == 0)
        .groupBy(F.col("_metadata.file_path").alias("file"))
        .agg(F.first("value").alias("value"))
        .collect()
    }
    if len(first_lines) > 1:
        raise InputError(
            f"feed slot {slot.name}: its CSV files have {len(first_lines)} different headers; "
            "deliver files of one layout per slot"
        )
    return first_lines.pop() if first_lines else ""
