"""What a page about many days shows, as plain values, and the events that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from uae_model.core.dates import days_between, ranges_of
from uae_model.report.facts import PublicationFacts


@dataclass(frozen=True)
class Refusal:
    """The checks that refused a day when it was last refused, and when that was."""

    day: date
    checks: tuple[str, ...]
    refused_at: datetime


@dataclass(frozen=True)
class DayHistory:
    """What is known of one day of the range.

    Attributes:
        day: which.
        published: what readers see; None where the day is not published.
        publications: how often it was published; a day that late events reopened, more than once.
        published_at: when its present publication was written.
        refusal: of the day, whether it was published later or not.
        quarantined: rows of the feed in quarantine.
        stability: population stability index of each feature that has one.
        seconds: wall-clock seconds of the last build of the day, by table.
    """

    day: date
    published: PublicationFacts | None = None
    publications: int = 0
    published_at: datetime | None = None
    refusal: Refusal | None = None
    quarantined: int = 0
    stability: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


KINDS = {
    "model": "new champion",
    "refused": "refused",
    "accepted": "accepted checks",
    "reopened": "reopened",
    "missing": "not published",
}
"""Kinds of events, with their names on the page."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a day: its kind, one of ``KINDS``, and what in words."""

    day: date
    kind: str
    text: str


@dataclass(frozen=True)
class ManyDays:
    """Everything that the page shows; ``days`` holds each day of the range."""

    first: date
    last: date
    days: tuple[DayHistory, ...]

    @property
    def published(self) -> list[PublicationFacts]:
        """The publications of the days that have one."""
        return [day.published for day in self.days if day.published is not None]

    @property
    def missing(self) -> list[date]:
        """The days that are not published."""
        return [day.day for day in self.days if day.published is None]

    @property
    def tables(self) -> list[str]:
        """The tables whose seconds are known, in the order of the night."""
        known = {name for day in self.days for name in day.seconds}
        return [name for name in BUILD_ORDER if name in known] + sorted(known.difference(BUILD_ORDER))

    def events(self) -> list[Event]:
        """Return all events, by day."""
        events = [*_new_models(self.published), *_gaps(self.missing)]
        for day in self.days:
            events += _events_of_day(day)
        kinds = list(KINDS)
        return sorted(events, key=lambda event: (event.day, kinds.index(event.kind)))


BUILD_ORDER = (
    *("feed", "plays", "feature_partials", "features", "models"),
    *("scores", "feature_health", "publications"),
)
"""The tables of a night in their order; models are trained between."""


def _new_models(published: Sequence[PublicationFacts]) -> Iterator[Event]:
    for before, after in pairwise(published):
        if after.attention_version != before.attention_version:
            text = f"attention model {after.attention_version} in place of {before.attention_version}"
            yield Event(after.day, "model", text)


def _gaps(missing: Sequence[date]) -> Iterator[Event]:
    for first, last in ranges_of(missing):
        days = (last - first).days + 1
        yield Event(first, "missing", "one day" if days == 1 else f"{days} days, up to {last}")


def _events_of_day(day: DayHistory) -> Iterator[Event]:
    if day.refusal is not None:
        later = day.published_at is not None and day.published_at > day.refusal.refused_at
        end = "; published later" if later else "; readers keep the earlier one" if day.published else ""
        yield Event(day.day, "refused", "; ".join(day.refusal.checks) + end)
    if day.published is not None and day.published.accepted_checks:
        names = ", ".join(day.published.accepted_checks)
        yield Event(day.day, "accepted", f"{names}: {day.published.accepted_reason}")
    if day.publications > 1:
        when = f", last on {day.published_at:%Y-%m-%d %H:%M} UTC" if day.published_at else ""
        yield Event(day.day, "reopened", f"published {day.publications} times{when}")


def every_day(first: date, last: date, known: Mapping[date, DayHistory]) -> tuple[DayHistory, ...]:
    """Return what is known of each day of the range; a day of which nothing is known is empty."""
    return tuple(known.get(day, DayHistory(day)) for day in days_between(first, last))
