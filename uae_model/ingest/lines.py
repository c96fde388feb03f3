"""Text files as rows: every line keeps its text, so that a bad one is never lost.

``source`` names slot and file, ``raw`` is the line, ``fields`` the struct of its columns (NULL where the
line cannot be split into columns).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot

CORRUPT = "_corrupt_record"


def source_of(slot: Slot) -> Column:
    """Return where a row was read: the slot and the file's name."""
    return F.concat(F.lit(f"{slot.name}/"), F.col("_metadata.file_name"))


def read_lines(spark: SparkSession, slot: Slot, file: str = "") -> DataFrame:
    """Return ``source`` and ``raw`` of each line of the slot, or of one of its files, that is not blank."""
    path = f"{slot.path}/{file}" if file else slot.path
    lines = spark.read.text(path).select(source_of(slot).alias("source"), F.col("value").alias("raw"))
    return lines.where(F.trim("raw") != "")


def json_fields(text: Column, columns: Sequence[str]) -> Column:
    """Return the columns of a JSON object as a struct of text, with the helper column ``CORRUPT``."""
    schema = T.StructType([T.StructField(name, T.StringType()) for name in [*columns, CORRUPT]])
    return F.from_json(text, schema, {"columnNameOfCorruptRecord": CORRUPT})


def split_lines(lines: DataFrame, parsed: Column) -> DataFrame:
    """Attach the parsed struct without the helper column; NULL where the line was malformed."""
    split = lines.withColumn("parsed", parsed)
    kept = [name for name in split.select("parsed.*").columns if name != CORRUPT]
    fields = F.struct(*[F.col(f"parsed.`{name}`").alias(name) for name in kept])
    is_good = F.col("parsed").isNotNull() & F.col(f"parsed.{CORRUPT}").isNull()
    return split.withColumn("fields", F.when(is_good, fields)).drop("parsed")


def csv_rows(
    spark: SparkSession,
    slot: Slot,
    columns: Sequence[str],
    required: Sequence[str],
    setting: str = "[feed.columns]",
) -> DataFrame:
    """Return the lines of CSV files split by their header.

    Args:
        spark: the session.
        slot: the files, all with the same header.
        columns: what the columns are where there is no file with a header.
        required: the columns that the header must have.
        setting: where the user names source columns, for the error.

    Raises:
        InputError: if the headers differ, or lack a required column.
    """
    header = _header(spark, slot)
    # Files without even a header hold no rows, whatever their columns would have been.
    names = [name.strip().strip('"') for name in header.split(",")] if header else list(columns)
    absent = [name for name in required if name not in names]
    if absent:
        raise InputError(
            f"feed slot {slot.name}: no column {', '.join(absent)} in the header {header!r}; "
            f"name the source columns in {setting}"
        )
    schema = ", ".join(f"`{name}` STRING" for name in [*names, CORRUPT])
    lines = read_lines(spark, slot).where(F.col("raw") != header)
    return split_lines(lines, F.from_csv(F.col("raw"), schema, {"columnNameOfCorruptRecord": CORRUPT}))


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
