"""What the readers of files report: whether all could be read, and how many rows they gave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.errors import ContractError, InputError
from uae_model.core.logs import warn
from uae_model.ingest.files import Report
from uae_model.ingest.listing import Listing

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


def rows_read(
    slot: str, parsed: DataFrame, needed: Mapping[str, str], *, accept_empty: bool, is_row_each: bool = True
) -> int:
    """Return how many rows the files of a slot hold, before any of them is written.

    Args:
        slot: its name.
        parsed: its rows and the reports of its files.
        needed: as ``check_reports`` wants it.
        accept_empty: whether files that hold text and no row are no mistake.
        is_row_each: whether each row that a reader counted is one row here; a line of 30-Music holds
            many plays.

    Raises:
        InputError: if a file cannot be read, or a column is in none of them.
        ContractError: if other rows arrived than the files' readers counted.
    """
    told = check_reports(slot, reports_of(parsed), needed, accept_empty=accept_empty)
    arrived = without_reports(parsed).count()
    if is_row_each and told != arrived:
        raise ContractError(f"feed slot {slot}: {told} rows were read from its files, {arrived} arrived")
    return arrived


def may_be_empty(listing: Listing, config: Config) -> bool:
    """Tell whether a slot without rows is no mistake: files of no bytes deliver nothing, and say so."""
    return config.feed.accept_empty_slots or not any(file.size for file in listing.data)


def reports_of(frame: DataFrame) -> list[Report]:
    """Return the reports among the rows, one for each part of a file."""
    texts = frame.where(F.col("report").isNotNull()).select("report").collect()
    return [Report.of_text(row["report"]) for row in texts]


def without_reports(frame: DataFrame) -> DataFrame:
    """Return the rows that are rows of the feed."""
    return frame.where(F.col("report").isNull()).drop("report")


def check_reports(
    slot: str, reports: Sequence[Report], needed: Mapping[str, str], *, accept_empty: bool
) -> int:
    """Return how many rows the files of a slot hold.

    Args:
        slot: its name.
        reports: of all its files.
        needed: what to say of a column that no file has, by its name in the feed.
        accept_empty: whether files that hold text and no row are no mistake.

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
    if not rows and not accept_empty:
        raise InputError(
            f"feed slot {slot}: its {len({report.file for report in reports})} data files hold no "
            f"rows; deliver them again, "
            "or set feed.accept_empty_slots = true where that is right"
        )
    return rows


def _check_columns(slot: str, reports: Sequence[Report], needed: Mapping[str, str]) -> None:
    told = [report for report in reports if report.columns]
    if not told:
        return
    for name, message in needed.items():
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
    for report in reports:
        names[report.listener].update(report.usernames)
    for listener, usernames in names.items():
        if len(usernames) > 1:
            raise InputError(
                f"feed slot {slot}: the files under {listener!r} are of {len(usernames)} "
                f"listeners, by their usernames; "
                "give each listener a folder, at the level that feed.listener_level says"
            )
