"""Reading a feed slot: every row keeps its text, so that a bad one is never lost.

The result has the columns of ``distribute.frame_schema``: ``source`` (slot and file), ``raw`` (the row as
text; NULL where ``fields`` is all there is), ``fields`` (a struct of the source columns; NULL where the row
could not be split), ``problem`` and ``value`` (why a row is no play, and the value that shows it),
``instant`` (the time, where the file types it) and ``report``: for each file one row that is none, with what
its reader has to say (see ``reports``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame, SparkSession

from uae_model.config import Config
from uae_model.config.feed_settings import FEED_TARGETS
from uae_model.core.errors import ConfigError, InputError
from uae_model.core.logs import log
from uae_model.ingest.deezer import DEEZER_COLUMNS, DEEZER_IDS, deezer_fields
from uae_model.ingest.distribute import Stage, parts_of, rows_of_parts
from uae_model.ingest.event_rows import REQUIRED
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.files import FilePart, Layout
from uae_model.ingest.files.layout import Form
from uae_model.ingest.lastfm import lastfm_fields
from uae_model.ingest.listing import Listing, name_of, required_files
from uae_model.ingest.mssd import MSSD_COLUMNS, MSSD_IDS, mssd_fields
from uae_model.ingest.spotify import SPOTIFY_COLUMNS, spotify_fields
from uae_model.ingest.thirty_music import thirty_music_fields, thirty_music_layouts
from uae_model.ingest.yambda import ALL_EVENTS, COLUMNS, EVENT_OF_FILE, yambda_fields, yambda_rows
from uae_model.lake.files import FileStatus

IDS = ("event_id", "user_id", "song_id")
"""What names something: a whole number that a program holds as a floating-point number is that number."""


def read_slot(spark: SparkSession, slot: Slot, config: Config, listing: Listing | None = None) -> DataFrame:
    """Return the rows of a slot, and a report of each of its files.

    Raises:
        InputError: if the slot has no data, or a dataset lacks one of its files.
    """
    listed = listing or Feed(spark, config).files(slot)
    if is_dataset(config):
        return _dataset_readers()[config.feed.format](spark, slot, config, listed)
    return read_files(spark, slot, listed, plays_layout(config))


def is_dataset(config: Config) -> bool:
    """Tell whether the feed is a published dataset, whose rows Spark puts together before they are parsed."""
    return config.feed.format in _dataset_readers()


def _dataset_readers() -> dict[str, Callable[[SparkSession, Slot, Config, Listing], DataFrame]]:
    return {
        "mssd": _read_mssd,
        "30music": _read_thirty_music,
        "spotify": _read_spotify,
        "yambda": _read_yambda,
        "deezer": _read_deezer,
        "lastfm1k": _read_lastfm,
    }


def read_files(
    spark: SparkSession, slot: Slot, listing: Listing, layout: Layout, stage: Stage | None = None
) -> DataFrame:
    """Return the rows of some files of a slot, and a report of each; or what ``stage`` makes of them."""
    return rows_of_parts(spark, slot_parts(slot, listing.data, layout), layout, stage)


def slot_parts(slot: Slot, data: Sequence[FileStatus], layout: Layout, level: int = 0) -> list[FilePart]:
    """Return the parts in which the files of a slot are read, named by their path below it.

    A folder that stands for a listener is named by its number in the order of the folders: its name is the
    raw id of a user, and the names of files stand in quarantine, in logs and in errors.
    """
    parts = []
    folders = sorted({_listener_folder(file.below, level) for file in data}) if level else []
    _refuse_merged(slot, folders)
    for file in data:
        listener, below = "", file.below
        if level:
            listener = listener_of(slot, below, level)
            below = _numbered(below, level, folders)
        parts += parts_of(file.path, f"{slot.name}/{below}", file.size, layout, listener)
    return parts


def _listener_folder(below: str, level: int) -> str:
    """Return the path below the slot of the folder that stands for the listener, or an empty text."""
    folders = below.split("/")[:-1]
    return "/".join(folders[:level]) if len(folders) >= level else ""


def _refuse_merged(slot: Slot, folders: Sequence[str]) -> None:
    """Raise InputError where two listeners would be one: ids are taken without the spaces around them."""
    seen: dict[str, tuple[int, str]] = {}
    for number, folder in enumerate(folders, 1):
        name = name_of(folder)
        other, first = seen.setdefault(name.strip(" "), (number, name))
        if first != name:
            raise InputError(
                f"feed slot {slot.name}: the folders of listener {other} and listener {number}, in the order "
                "of their names, differ in spaces alone; rename one"
            )


def _numbered(below: str, level: int, folders: Sequence[str]) -> str:
    folder = _listener_folder(below, level)
    if not folder:
        return below
    above = [f"{name}/" for name in folder.split("/")[:-1]]
    return f"{''.join(above)}listener {folders.index(folder) + 1}{below.removeprefix(folder)}"


def listener_of(slot: Slot, below: str, level: int) -> str:
    """Return the folder that stands for a listener: that of a level below the slot, else the slot's."""
    folders = below.split("/")[:-1]
    return folders[level - 1] if len(folders) >= level else name_of(slot.path)


def plays_layout(config: Config) -> Layout:
    """Return what is read of Parquet, JSON lines and CSV files of plays.

    Raises:
        ConfigError: if two columns differ in case alone.
    """
    columns = source_columns(config)
    _refuse_alike(columns, "feed.columns")
    feed, features = config.feed, config.features.of_origin("feed")
    # By their targets, never by their place among the columns: two targets may read one column.
    required = [feed.source_column(target) for target in REQUIRED]
    return Layout(
        form=_form(feed.format),
        columns=tuple(columns),
        required=tuple(dict.fromkeys(required)),
        ids=frozenset(feed.source_column(target) for target in IDS),
        labels=frozenset(
            feed.source_column(feature.source_column) for feature in features if feature.kind == "categorical"
        ),
        instant=feed.source_column("played_at"),
        encoding=feed.encoding,
        delimiter=feed.delimiter,
        quote=feed.quote,
        escape=feed.escape,
    )


def source_columns(config: Config) -> list[str]:
    """Return the feed columns that the configuration reads, each once, in a fixed order."""
    mapped = [config.feed.source_column(target) for target in FEED_TARGETS]
    mapped += [
        config.feed.source_column(feature.source_column) for feature in config.features.of_origin("feed")
    ]
    return list(dict.fromkeys(mapped))


def _refuse_alike(columns: Sequence[str], setting: str) -> None:
    seen: dict[str, str] = {}
    for name in columns:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise ConfigError(
                f"{setting}: columns {other!r} and {name!r} differ in case alone; rename one in the feed"
            )


def _form(file_format: str) -> Form:
    forms: dict[str, Form] = {"parquet": "parquet", "jsonl": "jsonl", "csv": "csv"}
    return forms[file_format]


def _csv_of(columns: Sequence[str], ids: Sequence[str], config: Config) -> Layout:
    feed = config.feed
    return Layout(
        form="csv",
        columns=tuple(columns),
        required=tuple(columns),
        ids=frozenset(ids),
        encoding=feed.encoding,
        delimiter=feed.delimiter,
        quote=feed.quote,
        escape=feed.escape,
    )


def _read_mssd(spark: SparkSession, slot: Slot, config: Config, listing: Listing) -> DataFrame:
    return mssd_fields(read_files(spark, slot, listing, _csv_of(MSSD_COLUMNS, MSSD_IDS, config)))


def _read_deezer(spark: SparkSession, slot: Slot, config: Config, listing: Listing) -> DataFrame:
    return deezer_fields(read_files(spark, slot, listing, _csv_of(DEEZER_COLUMNS, DEEZER_IDS, config)))


def _read_spotify(spark: SparkSession, slot: Slot, config: Config, listing: Listing) -> DataFrame:
    layout = Layout(
        "json_arrays", SPOTIFY_COLUMNS, ids=frozenset({"spotify_track_uri"}), encoding=config.feed.encoding
    )
    parts = slot_parts(slot, listing.data, layout, config.feed.listener_level)
    return spotify_fields(rows_of_parts(spark, parts, layout))


def _read_thirty_music(spark: SparkSession, slot: Slot, config: Config, listing: Listing) -> DataFrame:
    layouts = thirty_music_layouts(config.feed.encoding)
    sessions, loves, tracks = (
        rows_of_parts(spark, slot_parts(slot, [file], layout), layout)
        for file, layout in zip(
            required_files(slot.path, listing, list(layouts)), layouts.values(), strict=True
        )
    )
    return thirty_music_fields(sessions, loves, tracks, config)


def _read_yambda(spark: SparkSession, slot: Slot, config: Config, listing: Listing) -> DataFrame:
    names = {file.below: file for file in listing.data}
    wanted = [f"{ALL_EVENTS}.parquet"]
    if wanted[0] not in names:
        required_files(slot.path, listing, ["listens.parquet"])
        wanted = [f"{name}.parquet" for name in EVENT_OF_FILE if f"{name}.parquet" in names]
    layout = Layout(
        "parquet", tuple(COLUMNS), ("uid", "timestamp", "item_id"), ids=frozenset({"uid", "item_id"})
    )
    rows = rows_of_parts(spark, slot_parts(slot, [names[name] for name in wanted], layout), layout)
    log("files of the dataset", slot=slot.name, files=wanted)
    return yambda_fields(yambda_rows(rows), config)


def _read_lastfm(spark: SparkSession, slot: Slot, config: Config, listing: Listing) -> DataFrame:
    return lastfm_fields(read_files(spark, slot, listing, Layout("lines", encoding=config.feed.encoding)))
