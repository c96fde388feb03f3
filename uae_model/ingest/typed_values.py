"""Values of a feed as arrays: text into numbers and times, and what is wrong with those that are none.

Workers run this on whole columns, without Spark. What programs usually write is read by Arrow; the rest,
value by value, as Spark's casts read it (tests compare both), and as Java writes a full minute: without its
seconds.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

INSTANT = pa.timestamp("us", "UTC")
MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EARLIEST_EPOCH_SECONDS = 0
LATEST_EPOCH_SECONDS = 4_102_444_800  # the year 2100; beyond it a number is no time

UNITS_OF_A_SECOND = {"epoch_seconds": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000}
"""How many units of an epoch's format are one second."""

LARGEST_LONG = 2.0**63

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NO_FINITE_NUMBER = {
    "nan": math.nan,
    **dict.fromkeys(("inf", "+inf", "infinity", "+infinity"), math.inf),
    **dict.fromkeys(("-inf", "-infinity"), -math.inf),
}

DATED = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
USUAL_TIMES = {"": f"^{DATED}$", "UTC": f"^{DATED}(Z|[+-](0\\d|1[0-7]):[0-5]\\d)$"}
"""Times that Arrow reads, by the zone that it shall read them in: without an offset, and with one."""

ANY_TIME = re.compile(
    r"(?P<day>\d{4}-\d{1,2}-\d{1,2})(?:[ T](?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d*))?(?P<zone>\s*[A-Za-z+-].*)?"
    r"|(?<=:\d\d)(?P<zone_of_minute>\s*[A-Za-z+-].*))?)?)?",
    re.ASCII,
)
"""Java leaves out seconds that are zero, also before a zone."""

OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::(\d{1,2})(?::(\d{2}))?|(\d{2})(\d{2})?)?", re.ASCII)
BLANKS = ("Zs", "Zl", "Zp", "Cc", "Cf")
"""Unicode's categories of what is nothing to a person: spaces, tabs, wide ones, signs without width."""

MAY_BE_BLANK = r"^([\x00-\x20\x7f-\x{10ffff}]|$)"
"""How a text begins that may hold blanks alone; few do."""

AROUND = "".join(map(chr, range(33)))
"""What Java's and Spark's casts leave out around a number or a time."""


@dataclass(frozen=True)
class ValueFault:
    """A fault that rows may have: which rows, its kind in words, and the value that shows it.

    The words never hold the value, so that faults can be counted by kind.
    """

    rows: Mask
    kind: str
    value: Callable[[Sequence[int]], Sequence[str | None]] | None = None


def texts_of(column: pa.Array) -> Callable[[Sequence[int]], Sequence[str | None]]:
    """Return what gives the texts of some rows."""
    return lambda rows: _some(column, rows)


def shown_instants(instant: pa.Array) -> Callable[[Sequence[int]], Sequence[str | None]]:
    """Return what gives the times of some rows as text."""
    micros = instant.cast(pa.int64())
    return lambda rows: [shown_instant(value) for value in _some(micros, rows)]


def _some(column: pa.Array, rows: Sequence[int]) -> list[Any]:
    values: list[Any] = column.take(pa.array(rows, pa.int64())).to_pylist()
    return values


def trimmed(text: pa.Array) -> pa.Array:
    """Return texts without spaces around them, NULL where one holds nothing but blanks."""
    stripped = pc.utf8_trim(text, " ")
    if not pc.any(pc.match_substring_regex(stripped, MAY_BE_BLANK), min_count=0).as_py():
        return stripped
    is_blank = by_distinct(stripped, _holds_blanks_alone, pa.bool_())
    return pc.if_else(is_blank, None, stripped)


def _holds_blanks_alone(text: str) -> bool:
    return all(unicodedata.category(sign) in BLANKS for sign in text)


def is_null(values: pa.Array) -> Mask:
    """Tell which values are missing."""
    mask: Mask = values.is_null().to_numpy(zero_copy_only=False)
    return mask


def holds(condition: pa.Array) -> Mask:
    """Tell where a condition is true; where it is NULL it is not."""
    mask: Mask = pc.fill_null(condition, False).to_numpy(zero_copy_only=False)
    return mask


def numbers(text: pa.Array) -> pa.Array:
    """Return texts as float64, NULL where one is no number; NaN and infinity are read as such."""
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return by_distinct(text, number_of, pa.float64())


def number_of(text: str) -> float | None:
    """Return a number, as Java reads it; not its own ways to write one (1.0f, 0x1p3)."""
    stripped = text.strip(AROUND)
    if NUMBER.fullmatch(stripped):
        return float(stripped)
    return NO_FINITE_NUMBER.get(stripped.lower())


def instants(text: pa.Array, time_format: str) -> pa.Array:
    """Return times as TIMESTAMP, NULL where one cannot be read.

    Args:
        text: as delivered.
        time_format: iso, epoch_seconds, epoch_millis or epoch_micros.
    """
    if time_format != "iso":
        return _of_epochs(numbers(text), UNITS_OF_A_SECOND[time_format])
    for zone, pattern in USUAL_TIMES.items():
        if pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py():
            try:
                return text.cast(pa.timestamp("us", zone or None)).cast(pa.int64()).cast(INSTANT)
            except pa.ArrowInvalid:
                break  # a thirteenth month, say
    return by_distinct(text, micros_of, pa.int64()).cast(INSTANT)


def micros_of(text: str) -> int | None:
    """Return a time in microseconds as Spark's cast reads it, None where it cannot; a day must be told."""
    written = ANY_TIME.fullmatch(text.strip(AROUND))
    if written is None:
        return None
    part = written.groupdict()
    zone = _zone(part["zone"] or part["zone_of_minute"])
    year, month, day = map(int, part["day"].split("-"))
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int((part["fraction"] or "")[:6].ljust(6, "0"))
    if zone is None:
        return None
    try:
        # Where clocks are put back the earlier one counts, where they are put on the time moves on: fold = 0.
        return micros_since_epoch(datetime(year, month, day, hour, minute, second, fraction, tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def micros_since_epoch(moment: datetime) -> int:
    """Return an aware time in microseconds since 1970."""
    return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def shown_instant(micros: int | None) -> str | None:
    """Return a time as Spark shows it: 2026-01-05 10:00:00, with a fraction where there is one."""
    if micros is None:
        return None
    # NumPy's years have no end, where those of Python's datetime are four digits.
    seconds, _, fraction = str(np.datetime64(micros, "us")).replace("T", " ").partition(".")
    return f"{seconds}.{fraction}".rstrip("0").rstrip(".") if fraction.strip("0") else seconds


def whole_numbers(number: pa.Array) -> pa.Array:
    """Return numbers without their fraction as int64, NULL where none of that size is one."""
    inside = pc.and_(pc.less(number, LARGEST_LONG), pc.greater_equal(number, -LARGEST_LONG))
    return pc.if_else(inside, pc.trunc(number), None).cast(pa.int64())


def finite(number: pa.Array) -> pa.Array:
    """Tell which numbers are there and are neither NaN nor infinite."""
    return pc.fill_null(pc.is_finite(number), False)


def missing(value: pa.Array, name: str) -> ValueFault:
    """Check that a row has this value."""
    return ValueFault(is_null(value), f"{name} is missing")


def unreadable(text: pa.Array, parsed: pa.Array, name: str) -> ValueFault:
    """Check that a value that is there was understood."""
    return ValueFault(~is_null(text) & is_null(parsed), f"{name} cannot be read", texts_of(text))


def unreadable_number(text: pa.Array, number: pa.Array, name: str) -> ValueFault:
    """Check that a text that is there is a finite number."""
    return ValueFault(~is_null(text) & ~holds(finite(number)), f"{name} is no number", texts_of(text))


def reasons_and_values(faults: Sequence[ValueFault], among: Mask) -> tuple[dict[int, str], dict[int, str]]:
    """Return what is wrong with rows and the values that show it, by the row's place, kinds in their order.

    Args:
        faults: to look for.
        among: the rows that are looked at.
    """
    kinds: dict[int, list[str]] = {}
    values: dict[int, list[str]] = {}
    for fault in faults:
        rows = np.flatnonzero(fault.rows & among).tolist()
        for row in rows:
            kinds.setdefault(row, []).append(fault.kind)
        if rows and fault.value is not None:
            for row, value in zip(rows, fault.value(rows), strict=True):
                if value is not None:
                    values.setdefault(row, []).append(value)
    return (
        {row: "; ".join(told) for row, told in kinds.items()},
        {row: "; ".join(told) for row, told in values.items()},
    )


def sparse(values: dict[int, str], count: int) -> pa.Array:
    """Return texts by their row, NULL elsewhere."""
    if not values:
        return pa.nulls(count, pa.string())
    rows = np.fromiter(values, np.int64, len(values))
    index = np.full(count, -1, np.int64)
    index[rows] = np.arange(len(rows))
    return pa.array(list(values.values()), pa.string()).take(pa.array(index, mask=index < 0))


def by_distinct(text: pa.Array, made: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """Return what is made of texts, once of each that differs; NULL stays NULL."""
    encoded = text.dictionary_encode()
    results = pa.array([made(value) for value in encoded.dictionary.to_pylist()], kind)
    return results.take(encoded.indices)


def _of_epochs(number: pa.Array, units: int) -> pa.Array:
    seconds = pc.divide(number, float(units))
    inside = pc.and_(
        pc.greater_equal(seconds, EARLIEST_EPOCH_SECONDS), pc.less_equal(seconds, LATEST_EPOCH_SECONDS)
    )
    kept = pc.if_else(inside, seconds, None)
    micros = pc.floor(pc.add(pc.multiply(kept, float(MICROSECONDS)), 0.5))
    return micros.cast(pa.int64()).cast(INSTANT)


def _zone(text: str | None) -> tzinfo | None:
    """Return the zone that a time names, UTC where it names none; None where nobody knows it."""
    name = (text or "Z").strip(AROUND)
    if name in ("Z", "UTC", "GMT", "UT"):
        return UTC
    written = OFFSET.fullmatch(name)
    if written is None:
        return _region(name)
    sign, hours, minutes, seconds, minutes_alone, seconds_alone = written.groups()
    offset = timedelta(
        hours=int(hours), minutes=_number(minutes, minutes_alone), seconds=_number(seconds, seconds_alone)
    )
    if offset > timedelta(hours=18):
        return None  # as Java has it
    return timezone(-offset if sign == "-" else offset)


def _number(one: str | None, other: str | None) -> int:
    return int(one or other or 0)


def _region(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
