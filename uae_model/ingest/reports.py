"""What the readers of files report: whether all could be read, and how many rows they gave."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.errors import ContractError, InputError
from uae_model.core.logs import warn
from uae_model.ingest.files import Report

SHOWN_FILES = 3


@contextmanager
def kept(frame: DataFrame) -> Iterator[DataFrame]:
    """Keep rows while the block uses them, so that the files are read once."""
    persisted = frame.persist()
    try:
        yield persisted
    finally:
        persisted.unpersist()


def read_once(parsed: DataFrame) -> AbstractContextManager[DataFrame]:
    """Keep parsed rows while the block writes them: files are read and parsed in one pass.

    A good row's text has done its duty by then and is not kept.
    """
    return kept(parsed.withColumn("raw", F.when(F.col("reason").isNotNull(), F.col("raw"))))


class Arrivals(Protocol):
    """Rows of files that have arrived."""

    @property
    def reports(self) -> Sequence[Report]:
        """What the readers of the files told."""
        ...

    @property
    def arrived(self) -> Counter[str]:
        """How many rows of each file are here."""
        ...


def require_all(
    slot: str,
    arrivals: Arrivals,
    needed: Mapping[str, str],
    *,
    accept_empty: bool,
    accept_header: bool = False,
    describing: Sequence[str] = (),
) -> int:
    """Return how many rows the files of a slot hold, before any of them is written.

    Args:
        slot: its name.
        arrivals: its rows.
        needed: as ``check_reports`` wants it.
        accept_empty: whether files without a row are no mistake.
        accept_header: whether a file that tells its columns is none, even without a row.
        describing: ends of names of files whose good rows describe plays and are none.

    Raises:
        InputError: if a file cannot be read, or a column is in none of them.
        ContractError: if other rows arrived of a file than its reader counted.
    """
    reports, arrived = arrivals.reports, arrivals.arrived
    check_reports(slot, reports, needed, accept_empty=accept_empty, accept_header=accept_header)
    told = Counter[str]()
    for report in reports:
        told[report.file] += report.rows
    for file in sorted({*told, *arrived}):
        is_less_right = file.endswith(tuple(describing)) and arrived[file] <= told[file]
        if arrived[file] != told[file] and not is_less_right:
            raise ContractError(
                f"feed slot {slot}: {told[file]} rows were read from {file}, {arrived[file]} arrived; "
                "run it again"
            )
    return arrived.total()


@dataclass(frozen=True)
class ParsedArrivals:
    """Parsed rows, one by one, among them the reports of their files."""

    frame: DataFrame

    @cached_property
    def reports(self) -> list[Report]:
        """The reports, one for each part of a file."""
        return reports_of(self.frame)

    @cached_property
    def arrived(self) -> Counter[str]:
        """The rows of each file."""
        by_source = without_reports(self.frame).groupBy("source").agg(F.count("*").alias("rows"))
        return Counter({row["source"]: int(row["rows"]) for row in by_source.collect()})


def reports_of(frame: DataFrame) -> list[Report]:
    """Return the reports among the rows, one for each part of a file."""
    texts = frame.where(F.col("report").isNotNull()).select("report").collect()
    return [Report.of_text(row["report"]) for row in texts]


def without_reports(frame: DataFrame) -> DataFrame:
    """Return the rows that are rows of the feed."""
    return frame.where(F.col("report").isNull()).drop("report")


def check_reports(
    slot: str,
    reports: Sequence[Report],
    needed: Mapping[str, str],
    *,
    accept_empty: bool,
    accept_header: bool = False,
) -> int:
    """Return how many rows the files of a slot hold.

    Args:
        slot: its name.
        reports: of all its files.
        needed: what to say of a column that no file has, by its name in the feed.
        accept_empty: whether files without a row are no mistake.
        accept_header: whether a file that tells its columns is none, even without a row.

    Raises:
        InputError: naming each file that cannot be read, or what all of them lack. Nothing of such a
            slot may be written.
    """
    errors = sorted({f"{report.file}: {report.error}" for report in reports if report.error})
    if errors:
        more = f" (and {len(errors) - SHOWN_FILES} more files)" if len(errors) > SHOWN_FILES else ""
        raise InputError(f"feed slot {slot}: {' | '.join(errors[:SHOWN_FILES])}{more}")
    _check_columns(slot, reports, needed)
    _check_listeners(slot, reports)
    rows = sum(report.rows for report in reports)
    is_whole = accept_header and all(report.columns for report in reports)
    if not (rows or accept_empty or is_whole):
        raise InputError(
            f"feed slot {slot}: its {len({report.file for report in reports})} data files hold no "
            f"rows; deliver them again, "
            "or set feed.accept_empty_slots = true where that is right"
        )
    return rows


def _check_columns(slot: str, reports: Sequence[Report], needed: Mapping[str, str]) -> None:
    told = [report for report in reports if report.columns]
    for name, message in needed.items():
        untold = [report for report in reports if not report.columns and name in report.absent]
        if untold and len(untold) == len([report for report in reports if report.rows]):
            warn("no row holds a column", slot=slot, column=name)
        if not told:
            continue
        lacking = [report for report in told if name in report.absent]
        if len(lacking) == len(told):
            columns = ", ".join(told[0].columns)
            raise InputError(f"feed slot {slot}: {message.format(columns=columns)}")
        if lacking:
            warn(
                "files lack a column",
                slot=slot,
                column=name,
                files=sorted({report.file for report in lacking})[:20],
            )


def _check_listeners(slot: str, reports: Sequence[Report]) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    files: dict[str, str] = {}
    for report in reports:
        names[report.listener].update(report.usernames)
        files.setdefault(report.listener, report.file)
    for listener, usernames in names.items():
        if len(usernames) > 1:
            raise InputError(
                f"feed slot {slot}: {files[listener]} and the files beside it are of {len(usernames)} "
                f"listeners, by their usernames; "
                "give each listener a folder, at the level that feed.listener_level says"
            )
