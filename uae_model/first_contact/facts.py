"""What the values of a column are: times, numbers, words, and how many different ones."""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from uae_model.config.base import TimeFormat

ISO = re.compile(
    r"\s*\d{4}-\d{1,2}-\d{1,2}"
    r"(?P<clock>[ T]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d*)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{1,2}(:?\d{2})?)?)?\s*"
)
"""A time as ingest reads it with ``time_format = "iso"``."""

UNREAD_TIME = re.compile(
    r"\s*(\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{4}/\d{1,2}/\d{1,2}"
    r"|[A-Z][a-z]{2},? \d{1,2},? \d{4}|\d{1,2} [A-Z][a-z]{2} \d{4}).*"
)
"""A time of a form that ingest does not read."""

CLOCK = re.compile(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*")

EPOCHS: dict[str, float] = {"epoch_seconds": 1, "epoch_millis": 1e3, "epoch_micros": 1e6}
NANOSECONDS = 1e9
FIRST_SECOND, LAST_SECOND = 946_684_800, 4_102_444_800
"""Of the years 2000 and 2100: a number between them may be a time."""

NEARLY_ALL = 0.98
"""Share of a column's values that must be of a form; the rest may be damage."""

TRUE = frozenset({"true", "1", "yes", "y", "t", "1.0"})
FALSE = frozenset({"false", "0", "no", "n", "f", "0.0"})

Other = Literal["", "unread", "nanoseconds", "clock"]


@dataclass(frozen=True)
class ColumnFacts:
    """What was seen of a column.

    Attributes:
        name: as the file calls it.
        filled: how many rows have a value.
        rows: how many rows there are.
        counts: how often each value stands, most frequent first.
        numbers: the values as numbers, where nearly all are finite ones; else empty.
        all_numbers: whether every value is a finite number.
        time_format: in which nearly all are times; empty where they are none.
        is_typed_time: whether the file types them as times.
        has_zone: whether the times say their zone.
        has_clock: whether they say more than the day.
        other_time: a time that ingest cannot read.
    """

    name: str
    filled: int
    rows: int
    counts: Counter[str]
    numbers: tuple[float, ...] = ()
    all_numbers: bool = False
    time_format: TimeFormat | Literal[""] = ""
    is_typed_time: bool = False
    has_zone: bool = True
    has_clock: bool = True
    other_time: Other = ""

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(self.counts)

    @property
    def is_whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool(self.numbers) and all(number.is_integer() for number in self.numbers)

    @property
    def is_flag(self) -> bool:
        """Whether the values are true and false, in some spelling."""
        return 0 < self.distinct <= 2 and all(value.strip().lower() in TRUE | FALSE for value in self.counts)

    @property
    def example(self) -> str:
        """The most frequent value."""
        return next(iter(self.counts), "")


def facts_of(name: str, values: Sequence[str | None], *, is_typed_time: bool) -> ColumnFacts:
    """Look at the values of a column, None where there is none."""
    counts = Counter(value.strip() for value in values if value is not None)
    ordered = Counter(dict(counts.most_common()))
    filled = counts.total()
    if is_typed_time:
        clock = any(" " in value for value in ordered)
        return ColumnFacts(
            name, filled, len(values), ordered, time_format="iso", is_typed_time=True, has_clock=clock
        )
    finite = {value: number for value in ordered if (number := number_of(value)) is not None}
    share = sum(counts[value] for value in finite) / filled if filled else 0.0
    numbers = tuple(finite.values()) if share >= NEARLY_ALL and finite else ()
    time_format, has_zone, has_clock = _time_format(counts, filled, numbers)
    return ColumnFacts(
        name,
        filled,
        len(values),
        ordered,
        numbers,
        all_numbers=bool(numbers) and len(finite) == len(ordered),
        time_format=time_format,
        has_zone=has_zone,
        has_clock=has_clock,
        other_time="" if time_format else _other_time(counts, filled, numbers),
    )


def number_of(text: str) -> float | None:
    """Return a text as a finite number, None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def instant_of_text(text: str, time_format: str) -> datetime | None:
    """Return a time as UTC without a zone, as ingest would; None where it cannot be read."""
    if time_format in EPOCHS:
        number = number_of(text)
        return None if number is None else _of_epoch(number / EPOCHS[time_format])
    try:
        instant = datetime.fromisoformat(text.strip().replace(" +", "+").removesuffix("UTC").strip())
    except ValueError:
        return None
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def _of_epoch(seconds: float) -> datetime | None:
    if not 0 <= seconds <= LAST_SECOND:
        return None
    return datetime(1970, 1, 1) + timedelta(seconds=seconds)


def _time_format(
    counts: Counter[str], filled: int, numbers: Sequence[float]
) -> tuple[TimeFormat | Literal[""], bool, bool]:
    """Return the format of times, whether they say their zone, and whether they say more than the day."""
    matches = [(match, counts[value]) for value in counts if (match := ISO.fullmatch(value))]
    if filled and sum(count for _, count in matches) >= NEARLY_ALL * filled:
        zoned = all(match["zone"] for match, _ in matches if match["clock"])
        return "iso", zoned, any(match["clock"] for match, _ in matches)
    for name in get_args(TimeFormat):
        if name in EPOCHS and _are_between(numbers, EPOCHS[name]):
            return name, True, True
    return "", True, True


def _are_between(numbers: Sequence[float], scale: float) -> bool:
    inside = sum(FIRST_SECOND * scale <= number <= LAST_SECOND * scale for number in numbers)
    return bool(numbers) and inside >= NEARLY_ALL * len(numbers)


def _other_time(counts: Counter[str], filled: int, numbers: Sequence[float]) -> Other:
    if _are_between(numbers, NANOSECONDS):
        return "nanoseconds"
    patterns: dict[Other, re.Pattern[str]] = {"unread": UNREAD_TIME, "clock": CLOCK}
    for name, pattern in patterns.items():
        if (
            filled
            and sum(counts[value] for value in counts if pattern.fullmatch(value)) >= NEARLY_ALL * filled
        ):
            return name
    return ""


def median(numbers: Sequence[float]) -> float:
    """Return the middle of some numbers, 0 where there are none."""
    return statistics.median(numbers) if numbers else 0.0
