"""How long what a night leaves behind is kept, and the least that later nights need of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from uae_model.config.base import PositiveInt, Section

if TYPE_CHECKING:
    from uae_model.config.settings import Config

EXPIRING_TABLES = ("events", "quarantine", "plays", "feature_partials", "features", "scores", "scores_side")
"""Tables whose old days may be given up; what is published stays."""


def _days_of_rows(what: str, default: int | None = None) -> int | None:
    """Return the setting of a table's days of rows."""
    field: int | None = Field(
        default=default,
        ge=1,
        description=f"Days of {what} that uae maintain keeps, counted back from the last published day; "
        "null: all",
    )
    return field


class RetentionSettings(Section):
    """How long old versions, rows and training files are kept; ``uae maintain`` takes away what is older."""

    published_days: PositiveInt = Field(
        default=400,
        description="Days that old versions of weights and publications stay readable: readers pin them",
    )
    working_days: PositiveInt = Field(
        default=30, description="Days that old versions of the other tables stay readable"
    )
    training_days: PositiveInt = Field(
        default=14,
        description="Days that training snapshots, checkpoints, plays of an evaluation and runs that never "
        "ended are kept after they were last used; registered models stay",
    )
    quarantine_days: int | None = _days_of_rows("rows that could not be read", 90)
    events_days: int | None = _days_of_rows("events")
    plays_days: int | None = _days_of_rows("plays")
    feature_partials_days: int | None = _days_of_rows("partial aggregates")
    features_days: int | None = _days_of_rows("joined features")
    scores_days: int | None = _days_of_rows("scores, of which weights holds what is published,")
    scores_side_days: int | None = _days_of_rows("scores of other models than the champion")

    def days_of_rows(self, table: str) -> int | None:
        """Return how many days of a table's rows are kept; None: all."""
        if table not in EXPIRING_TABLES:
            return None
        days: int | None = getattr(self, f"{table}_days")
        return days


def check_days_of_rows(config: Config) -> None:
    """Check that what is given up is nothing that a night or a training still reads.

    Raises:
        ValueError: naming the setting, its value and the least that is allowed.
    """
    for table, (least, why) in _least_days_of_rows(config).items():
        days = config.retention.days_of_rows(table)
        if days is not None and days < least:
            raise ValueError(f"retention.{table}_days = {days}: must be at least {least}, {why}")


def _least_days_of_rows(config: Config) -> dict[str, tuple[int, str]]:
    """Return for each table the least days of rows, and why.

    A night of the last published day looks at the days in its reach, and at what those were built from.
    """
    reopened = config.feed.reach_days + 1
    late = f"the days that late events reopen (feed.late_days = {config.feed.late_days}, and two)"
    if config.feed.reopen == "weekly":
        late = f"the {reopened} days that late events reopen (feed.late_days, feed.reopen = weekly)"
    window = max((feature.aggregate.window for feature in config.features if feature.aggregate), default=0)
    windows = f"the longest window of an aggregate ({window} days) and {late}"
    of_windows = (reopened + window, windows) if window else (reopened, late)
    lookback = config.sessions.lookback_days
    training = config.training.window_days + config.training.validation_days + 1
    trained = (
        f"the days that a training reads (training.window_days = {config.training.window_days}, "
        f"training.validation_days = {config.training.validation_days}, and one)"
    )
    before = f"{late} and the days before in which their sessions may begin ({lookback})"
    return {
        "quarantine": (reopened, late),
        "events": of_windows,
        "feature_partials": of_windows,
        "plays": max((training, trained), (reopened + lookback, before)),
        "features": max((training, trained), (reopened, late)),
        "scores": (reopened, late),
        "scores_side": (1, "a day"),
    }
