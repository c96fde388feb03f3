"""Reading a feed slot: every row keeps its text, so that a bad one is never lost.

The result has three columns: ``source`` (slot and file), ``raw`` (the row as text) and ``fields`` (a
struct of the source columns; NULL where the row could not be split into columns). A dataset with rules of
its own may add a fourth, ``problem``: why a row without ``fields`` is no play, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.ingest.deezer import DEEZER_COLUMNS, deezer_fields
from uae_model.ingest.feed import Slot
from uae_model.ingest.lastfm import lastfm_fields
from uae_model.ingest.lines import csv_rows, json_fields, read_lines, source_of, split_lines
from uae_model.ingest.mssd import MSSD_COLUMNS, mssd_fields
from uae_model.ingest.spotify import spotify_fields
from uae_model.ingest.thirty_music import LOVES, SESSIONS, TRACKS, thirty_music_fields
from uae_model.ingest.yambda import ALL_EVENTS, EVENT_OF_FILE, yambda_fields, yambda_rows
from uae_model.lake import files


def read_slot(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    """Return the rows of a slot as ``source``, ``raw`` and ``fields``, and ``problem`` for some datasets.

    Raises:
        InputError: if a required column is missing in the files' schema, or a file of a dataset.
    """
    readers: dict[str, Callable[[SparkSession, Slot, Config], DataFrame]] = {
        "mssd": _read_mssd,
        "30music": _read_thirty_music,
        "spotify": _read_spotify,
        "yambda": _read_yambda,
        "deezer": _read_deezer,
        "lastfm1k": _read_lastfm,
    }
    if config.feed.format in readers:
        return readers[config.feed.format](spark, slot, config)
    columns = source_columns(config)
    return read_files(spark, slot, config.feed.format, columns, columns[1:4], "[feed.columns]")


def read_files(
    spark: SparkSession,
    slot: Slot,
    file_format: str,
    columns: Sequence[str],
    required: Sequence[str],
    setting: str,
) -> DataFrame:
    """Return the rows of Parquet, JSON lines or CSV files as ``source``, ``raw`` and ``fields``.

    Args:
        spark: the session.
        slot: the files.
        file_format: parquet, jsonl or csv.
        columns: the source columns that are read.
        required: those that the header of CSV files must have.
        setting: where the user names source columns, for the error.

    Raises:
        InputError: if the header of CSV files lacks a required column.
    """
    if file_format == "parquet":
        return _read_parquet(spark, slot)
    if file_format == "jsonl":
        return split_lines(read_lines(spark, slot), json_fields(F.col("raw"), columns))
    return csv_rows(spark, slot, columns, required, setting)


def source_columns(config: Config) -> list[str]:
    """Return the feed columns that the configuration reads, each once, in a fixed order."""
    targets = ["event_id", "user_id", "song_id", "played_at", "played_ms", "feedback"]
    mapped = [config.feed.columns.get(target, target) for target in targets]
    mapped += [
        config.feed.columns.get(feature.source_column, feature.source_column)
        for feature in config.features.of_origin("feed")
    ]
    return list(dict.fromkeys(mapped))


def _read_parquet(spark: SparkSession, slot: Slot) -> DataFrame:
    frame = spark.read.parquet(slot.path)
    everything = F.struct(*[F.col(f"`{name}`") for name in frame.columns])
    return frame.select(
        source_of(slot).alias("source"),
        F.to_json(everything).alias("raw"),
        everything.alias("fields"),
    )


def _read_mssd(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    del config  # the dataset has its own columns
    return mssd_fields(csv_rows(spark, slot, MSSD_COLUMNS, MSSD_COLUMNS))


def _read_spotify(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    del config  # the dataset has its own columns
    reader = spark.read.option("recursiveFileLookup", "true").option("pathGlobFilter", "*.json")
    folder = F.regexp_extract("_metadata.file_path", "([^/]+)/[^/]+$", 1)
    histories = reader.text(slot.path, wholetext=True).select(
        source_of(slot).alias("source"), folder.alias("folder"), F.col("value").alias("text")
    )
    return spotify_fields(histories)


def _read_thirty_music(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    names = (SESSIONS, LOVES, TRACKS)
    _require_files(spark, slot, *names)
    sessions, loves, tracks = (read_lines(spark, slot, name) for name in names)
    return thirty_music_fields(sessions, loves, tracks, config)


def _read_yambda(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    names: dict[str, str | None] = {ALL_EVENTS: None}
    if not files.exists(spark, f"{slot.path}/{ALL_EVENTS}.parquet"):
        _require_files(spark, slot, "listens.parquet")
        names = {n: e for n, e in EVENT_OF_FILE.items() if files.exists(spark, f"{slot.path}/{n}.parquet")}
    rows = [
        yambda_rows(spark.read.parquet(f"{slot.path}/{name}.parquet"), source_of(slot), event)
        for name, event in names.items()
    ]
    return yambda_fields(reduce(DataFrame.union, rows), config)


def _require_files(spark: SparkSession, slot: Slot, *names: str) -> None:
    absent = [name for name in names if not files.exists(spark, f"{slot.path}/{name}")]
    if absent:
        raise InputError(f"paths.feed = {slot.path!r}: there is no {', '.join(absent)}")


def _read_deezer(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    del config  # the dataset has its own columns
    return deezer_fields(csv_rows(spark, slot, DEEZER_COLUMNS, DEEZER_COLUMNS))


def _read_lastfm(spark: SparkSession, slot: Slot, config: Config) -> DataFrame:
    del config  # the dataset has its own columns
    return lastfm_fields(read_lines(spark, slot))
