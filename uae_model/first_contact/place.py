"""Where a feed lies, as ``paths.feed`` writes it: with ``{date}`` where files are named after days."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from uae_model.core.errors import InputError
from uae_model.first_contact.sample import FeedSample

DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
HOUR = re.compile(r"([a-z]+=)?([01]\d|2[0-3])")
MARKER = "_SUCCESS"
OF_ITS_DAY = 0.9
"""Share of a file's plays that must lie near the day that it is named after."""

MOST_LATE_DAYS, MOST_FUTURE_HOURS = 30, 36
USUAL_LATE_DAYS, USUAL_FUTURE_HOURS = 3, 1


@dataclass(frozen=True)
class FeedPlace:
    """Where the feed lies.

    Attributes:
        template: with {date} for a delivery by day, with neither for one complete file or folder.
        has_marker: whether every delivered day has its marker.
        first_day: of the plays that were read, in UTC; None where no time was understood.
        last_day: likewise.
        check_day: a day whose slot is there.
        late_days: how many days before their slot's some plays are.
        future_hours: how many hours past their slot's day some plays are.
    """

    template: str
    has_marker: bool
    first_day: date | None
    last_day: date | None
    check_day: date
    late_days: int = 0
    future_hours: int = 0

    @property
    def is_daily(self) -> bool:
        """Whether the feed is delivered day by day."""
        return "{date}" in self.template

    @property
    def days(self) -> int:
        """How many days there are from the first to the last one that was seen."""
        if self.first_day is None or self.last_day is None:
            return 0
        return (self.last_day - self.first_day).days + 1


def place_of(path: Path, sample: FeedSample, instants: Sequence[datetime | None]) -> FeedPlace:
    """Return where the feed of a sample lies.

    Args:
        path: the file or folder that was named.
        sample: what was read of it.
        instants: the time of each row of the sample in UTC, None where none was understood.

    Raises:
        InputError: if a brace stands in the path, where it would be a placeholder.
    """
    if "{" in str(path) or "}" in str(path):
        raise InputError(f"{path}: a brace in a path stands for a date or an hour; rename the folder")
    known = sorted(instant for instant in instants if instant is not None)
    first, last = (known[0].date(), known[-1].date()) if known else (None, None)
    slots = {file: _slot_of(path, file) for file in sample.files}
    templates = {slot[0] for slot in slots.values() if slot is not None}
    if None in slots.values() or len(templates) != 1:
        return FeedPlace(str(path), False, first, last, last or date.today())
    (template,) = templates
    days = [slot[1] for slot in slots.values() if slot is not None]
    of_row = [slots[sample.read[index]] for index in sample.file_of_row]
    hours = [
        (instant - datetime.combine(slot[1], time())) / timedelta(hours=1)
        for instant, slot in zip(instants, of_row, strict=True)
        if instant is not None and slot is not None
    ]
    if sum(-24 <= hour < 48 for hour in hours) < OF_ITS_DAY * len(hours):
        return FeedPlace(str(path), False, first, last, last or date.today())
    marked = all((Path(_slot_path(template, file)) / MARKER).is_file() for file in sample.files)
    return FeedPlace(
        template,
        marked,
        first if path.is_file() else min(days),
        last if path.is_file() else max(days),
        min(days),
        late_days=math.ceil(max(0.0, -min(hours, default=0.0)) / 24),
        future_hours=math.floor(max(0.0, max(hours, default=0.0) - 24)) + 1,
    )


def _slot_of(path: Path, file: Path) -> tuple[str, date] | None:
    """Return the template that a file's path follows, and its day; None where no day is in the path."""
    root = path.parent.parent if path.is_file() else path if DAY.search(_below(path, file)) else path.parent
    parts = file.relative_to(root).parts
    for index in reversed(range(len(parts))):
        days = DAY.findall(parts[index])
        day = _day(days[0]) if len(days) == 1 else None
        if day is None:
            continue
        template = root.joinpath(*parts[:index], parts[index].replace(days[0], "{date}"))
        hour = HOUR.fullmatch(parts[index + 1]) if index + 2 < len(parts) else None
        if hour is not None:
            template = template / f"{hour[1] or ''}{{hour}}"
        return str(template), day
    return None


def _below(path: Path, file: Path) -> str:
    return str(file.relative_to(path))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _slot_path(template: str, file: Path) -> str:
    """Return the path of a file's slot."""
    depth = len(Path(template).parts)
    return str(Path(*file.parts[:depth]))
