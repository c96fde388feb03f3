"""Every event of a day is a play of the day, a play of a session begun the day before, or a bot's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.dates import midnight


@dataclass(frozen=True)
class DayAccount:
    """How the events of a day are accounted for: ``events = on_day + carried + excluded``.

    Attributes:
        plays: of the sessions that start on the day.
        sessions: that start on the day.
        on_day: those of the plays that are events of the day; the others come after midnight.
        events: of the day.
        carried: events that are plays of sessions begun the day before.
        excluded: events of bots that no session of the day before holds.
    """

    plays: int
    sessions: int
    on_day: int
    events: int
    carried: int
    excluded: int

    @property
    def adds_up(self) -> bool:
        """Whether every event is accounted for."""
        return self.events == self.on_day + self.carried + self.excluded

    @property
    def counts(self) -> dict[str, int]:
        """What is remembered of the day."""
        return {name: count for name, count in asdict(self).items() if name != "on_day"}

    def __str__(self) -> str:
        return (
            f"{self.events} events, {self.on_day} plays of the day + {self.carried} of sessions begun the "
            f"day before + {self.excluded} of bots"
        )


def account(plays: DataFrame, before: DataFrame, events: DataFrame, day: date, excluded: int) -> DayAccount:
    """Account for the events of a day.

    Args:
        plays: those of the day's sessions.
        before: the plays of the day before.
        events: those of the day.
        day: the UTC day.
        excluded: the result of ``count_excluded``.
    """
    end = F.lit(midnight(day + timedelta(days=1)))
    row = plays.agg(
        F.count("*").alias("plays"),
        F.count_if(F.col("position") == 1).alias("sessions"),
        F.count_if(F.col("played_at") < end).alias("on_day"),
    ).collect()[0]
    carried = carried_plays(before, day).count()
    return DayAccount(**row.asDict(), events=events.count(), carried=carried, excluded=excluded)


def carried_plays(before: DataFrame, day: date) -> DataFrame:
    """Return the plays after midnight of the sessions begun the day before."""
    return before.where(F.col("played_at") >= F.lit(midnight(day)))


def count_excluded(events: DataFrame, before: DataFrame, day: date, bots: Sequence[str]) -> int:
    """Return the bots' events of the day that no session of the day before holds."""
    if not bots:
        return 0
    theirs = F.col("user_id").isin(list(bots))
    return int(events.where(theirs).count() - carried_plays(before, day).where(theirs).count())
