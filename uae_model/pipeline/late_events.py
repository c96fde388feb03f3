"""Late events of earlier days: how many a day's plays lack, and whether the day may wait with them.

A day that late events reach is cut, scored and published again whole, and the days after it with it, since
their sessions follow from each other. By ``feed.reopen = "weekly"`` all of them wait until the first would
leave the reach of a night, or one has too many: then all are built again in the same night.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from uae_model.lake import TableStore, Unit


@dataclass(frozen=True)
class LateEvents:
    """The days whose events have changed since their sessions were cut.

    Attributes:
        added: by day, how many events more there are; less than 0 where events were withdrawn. Empty where
            no day ever waits.
        is_waiting: whether the days stay as they are tonight.
    """

    added: Mapping[date, int]
    is_waiting: bool

    @property
    def waiting(self) -> int:
        """Events that the plays of their days do not hold after this night."""
        return sum(map(abs, self.added.values())) if self.is_waiting else 0


def late_events(store: TableStore, reach: Sequence[date]) -> LateEvents:
    """Return what has changed in the events of some days, and whether these wait.

    Args:
        store: with events and plays of the days.
        reach: the days that a night may build again, oldest first.
    """
    feed = store.config.feed
    if feed.reopen == "nightly":
        return LateEvents({}, is_waiting=False)  # no day waits, so nothing need be counted
    added: dict[date, int] = {}
    is_waiting = True
    for day in reach:
        known = _known_events(store, day)
        if known is None:
            continue
        added[day] = store.read("events", [day]).count() - known
        is_last_night = day - timedelta(days=1) <= reach[0]  # a session of the day before may hold them
        if is_last_night or abs(added[day]) > feed.reopen_share * known:
            is_waiting = False
    return LateEvents(added, is_waiting)


def _known_events(store: TableStore, day: date) -> int | None:
    """Return how many events a day had when its sessions were cut; None where it has the same still."""
    plays, events = store.states.get(Unit("plays", day)), store.states.get(Unit("events", day))
    if plays is None or plays.inputs is None or events is None or "events" not in plays.counts:
        return None
    is_same = plays.inputs.get(str(events.unit)) == events.version
    return None if is_same else int(plays.counts["events"])
