"""Which files of a slot are data: one rule and one listing, for what is fingerprinted and what is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pyspark.sql import SparkSession

from uae_model.core.errors import InputError
from uae_model.core.locations import plain_path
from uae_model.ingest.files.opening import codec_of
from uae_model.lake import files
from uae_model.lake.files import FileStatus

SUFFIXES = {
    "csv": (".csv", ".tsv"),
    "mssd": (".csv",),
    "deezer": (".csv",),
    "jsonl": (".json", ".jsonl", ".ndjson"),
    "spotify": (".json",),
    "parquet": (".parquet", ".parq", ".pq"),
    "yambda": (".parquet",),
    "30music": (".idomaar",),
    "lastfm1k": (".tsv",),
}
"""How the files of a format are called, in lower case and without a compression's suffix."""

ONLY_THESE = ("spotify", "30music", "yambda", "lastfm1k")
"""Datasets that come with files of other kinds: only those of their suffix are data."""

SHOWN_NAMES = 20

NO_DATA = re.compile(
    r"(readme|licen[cs]e|changelog|manifest|checksums?|(md5|sha\d+)sums?|thumbs\.db|desktop\.ini)\b.*"
    r"|.*~|~\$.*|.*\.(md5|sha\d+|crc|asc|sig|md|pdf|docx?|html?|png|jpe?g|gif|xml|ya?ml|toml|log|sql|py|sh|schema|bak|tmp)",
    re.IGNORECASE,
)
"""Names of what lies beside data: descriptions, checksums, pictures, scripts, copies of editors."""


@dataclass(frozen=True)
class Listing:
    """The files of a slot in order: those that are data, and the names of those that are not."""

    data: tuple[FileStatus, ...]
    left_out: tuple[str, ...]

    @property
    def some_left_out(self) -> str:
        """Names of files that are left out, as a message shows them."""
        shown = ", ".join(self.left_out[:SHOWN_NAMES])
        rest = len(self.left_out) - SHOWN_NAMES
        return f"{shown} and {rest} more" if rest > 0 else shown


def list_slot(spark: SparkSession, path: str, file_format: str) -> Listing:
    """List a slot and the folders below it; hidden files (``_x``, ``.x``) count as nothing."""
    everything = files.list_files(spark, path)
    data = tuple(file for file in everything if is_data(file.path, file_format))
    rest = tuple(name_of(file.path) for file in everything if not is_data(file.path, file_format))
    return Listing(data, rest)


def is_data(path: str, file_format: str) -> bool:
    """Tell whether a file is data of a format, by its name.

    What has the suffix of the format is; what has that of another format, or is called like a description or
    a checksum, is not. Anything else is read, since a row that cannot be read is told of and a file that is
    left out by mistake is not.
    """
    name = name_of(path).lower()
    suffix = PurePosixPath(name.removesuffix(codec_of(name))).suffix
    if suffix in SUFFIXES[file_format]:
        return True
    others = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
    return file_format not in ONLY_THESE and suffix not in others and not NO_DATA.fullmatch(name)


def name_of(path: str) -> str:
    """Return the last part of a path."""
    return path.rstrip("/").rsplit("/", 1)[-1]


def path_below(root: str, path: str) -> str:
    """Return a file's path below its slot; the name alone where the slot is that file."""
    _, slash, below = plain_path(path).partition(plain_path(root).rstrip("/") + "/")
    return below if slash else name_of(path)


def required_files(path: str, listing: Listing, names: Sequence[str]) -> list[FileStatus]:
    """Return the files of a dataset by their paths below the slot.

    Raises:
        InputError: naming those that are not there.
    """
    by_name = {file.below: file for file in listing.data}
    absent = [name for name in names if name not in by_name]
    if absent:
        raise InputError(f"paths.feed = {path!r}: there is no {', '.join(absent)}")
    return [by_name[name] for name in names]
