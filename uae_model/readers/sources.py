"""Where the rows of published days lie: the one rule for all readers.

A publication pins a version of ``weights``. Table ``weights`` holds nothing but what was published, so its
newest version has the rows of the pinned one as long as no later commit changed rows of that day, whatever
OPTIMIZE and VACUUM did to the files. Such a day is read at the newest version; any other day at the pinned
one, as long as its files are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime

from uae_model.core.errors import ContractError
from uae_model.readers.delta_log import DeltaLog
from uae_model.readers.storage import REQUESTS_AT_ONCE


@dataclass(frozen=True)
class DaySource:
    """The version of a table at which a day is read, and the files that hold it there."""

    day: date
    version: int
    files: tuple[str, ...]


Problems = dict[date, str]
"""What is wrong with the days that cannot be read."""


def find_sources(log: DeltaLog, pinned: Mapping[date, int]) -> tuple[list[DaySource], Problems]:
    """Return where days are read whose files are all there, by day, and what is wrong with the others.

    Args:
        log: of the table.
        pinned: the version that each day's publication names.
    """
    problems = {
        day: f"its log does not tell any more what version {version} was (the newest is {log.newest})"
        for day, version in pinned.items()
        if not log.has(version)
    }
    known = {day: version for day, version in sorted(pinned.items()) if day not in problems}
    sources = _choose(log, known) if known else []
    gone = set(log.storage.missing([file for source in sources for file in source.files]))
    for source in sources:
        lost = [file for file in source.files if file in gone]
        if lost:
            problems[source.day] = _lost(lost, source.version < log.newest)
    return [source for source in sources if source.day not in problems], problems


def require_sources(
    log: DeltaLog, pinned: Mapping[date, int], *, as_of: datetime | None = None
) -> list[DaySource]:
    """Return where days are read, by day.

    Args:
        log: of the table.
        pinned: the version that each day's publication names.
        as_of: the moment whose publications these are; None for those that stand now.

    Raises:
        ContractError: naming a day whose files are gone, and what mends it.
    """
    sources, problems = find_sources(log, pinned)
    if problems:
        day = min(problems)
        others = f" ({len(problems) - 1} more days cannot be read either)" if len(problems) > 1 else ""
        remedy = (
            f"run uae publish --date {day} --rebuild (uae doctor names all such days)"
            if as_of is None
            else f"what stood at {as_of.isoformat()} is given up; read the day as it is published now"
        )
        raise ContractError(
            f"table {log.table.rsplit('/', 1)[-1]}, day {day}, version {pinned[day]}: {problems[day]}"
            f"{others}; {remedy}"
        )
    return sources


def publications_at(log: DeltaLog, moment: datetime | None) -> tuple[int, list[str]]:
    """Return the version of table ``publications`` that stood at a moment (None: now), and its files.

    Raises:
        InputError: if its log does not reach back so far.
        ContractError: if its files are gone.
    """
    version = log.newest if moment is None else log.version_at(moment)
    ((_, state),) = log.states({version})
    files = state.files()
    if moment is not None and log.storage.missing(files):
        raise ContractError(
            f"{log.table}: the publications of {moment.isoformat()} are given up (retention.published_days); "
            "ask for a later moment"
        )
    return version, files


def damaged_days(log: DeltaLog, pinned: Mapping[date, int], rows: Mapping[date, int]) -> Problems:
    """Return what is wrong with days whose files are missing, cannot be opened or hold other numbers of rows.

    Args:
        log: of the table.
        pinned: the version that each day's publication names.
        rows: that each day should have; days without an entry may have any number.
    """
    sources, problems = find_sources(log, pinned)
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as requests:
        for source, problem in zip(
            sources, requests.map(lambda source: _damage(log, source, rows), sources), strict=True
        ):
            if problem:
                problems[source.day] = problem
    return problems


def _damage(log: DeltaLog, source: DaySource, rows: Mapping[date, int]) -> str | None:
    try:
        count = sum(log.storage.parquet_rows(file) for file in source.files)
    except ContractError as error:
        return str(error)
    expected = rows.get(source.day, count)
    return None if count == expected else f"its files hold {count} rows, {expected} were published"


def _choose(log: DeltaLog, pinned: Mapping[date, int]) -> list[DaySource]:
    """Return the version and the files of each day, whether these are there or not."""
    days_of: dict[int, list[date]] = defaultdict(list)
    for day, version in pinned.items():
        days_of[version].append(day)
    then: dict[date, list[str]] = {}
    now: dict[date, list[str]] = {}
    for version, files in log.states({*days_of, log.newest}):
        then.update({day: files.of_folder(f"dt={day}") for day in days_of[version]})
        if version == log.newest:
            now.update({day: files.of_folder(f"dt={day}") for day in pinned})
    has_other_rows = _changed(log, {day: pinned[day] for day in pinned if then[day] != now[day]})
    return [
        DaySource(day, pinned[day], tuple(then[day]))
        if day in has_other_rows
        else DaySource(day, log.newest, tuple(now[day]))
        for day in pinned
    ]


def _changed(log: DeltaLog, pinned: Mapping[date, int]) -> set[date]:
    """Return the days that a commit after their pinned version changed."""
    if not pinned:
        return set()
    changes, of_whole = log.last_changes(min(pinned.values()))
    return {
        day for day, version in pinned.items() if max(of_whole, changes.get(day.isoformat(), -1)) > version
    }


def _lost(files: Sequence[str], has_changed: bool) -> str:
    why = ", and later versions hold other rows of the day" if has_changed else ""
    count = "1 file is" if len(files) == 1 else f"{len(files)} files are"
    return f"{count} gone from its storage, {'/'.join(files[0].split('/')[-2:])}{why}"
