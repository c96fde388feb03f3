"""The declaration of an aggregate feature: of whom, what, over which plays, in which windows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from uae_model.config.base import Section
from uae_model.config.feed_settings import Feedback

AggregateFunction = Literal["count", "rate", "sum", "mean", "last_seen", "approx_distinct"]

EVENT_ENTITIES = {"user": "user_id", "song": "song_id"}
"""Entity columns that every event has, by the name that declarations use."""

TIME_ENTITIES = ("hour_of_day", "day_of_week")
"""Entity columns that follow from the start of the play (UTC)."""

PLAYED_SECONDS = "played_seconds"
"""The value column that every event has: how long the song was played."""

LEAKING_ENTITIES = {
    **dict.fromkeys(
        ("feedback", "is_active", "label", "played_ms", PLAYED_SECONDS),
        "is known only after the play, so it would tell the feature the play's own feedback",
    ),
    **dict.fromkeys(
        ("session", "session_id", "event_id", "position"),
        "would aggregate over the play's own session, whose feedback E belongs to the propensity",
    ),
}
"""Entity columns that are refused with a reason of their own."""

LONGEST_WINDOW = 90


class Aggregate(Section):
    """An aggregate over whole days before the play's day, from partial aggregates of each day."""

    entity: tuple[str, ...] = Field(
        min_length=1, description="What is aggregated over: user, song, artist, ...; several make a cross"
    )
    function: AggregateFunction = Field(description="What is computed of the entity's plays")
    value: str = Field(
        default="",
        description="What is summed, averaged or counted: for sum and mean played_seconds or a numeric feed "
        "feature; for approx_distinct user, song or a categorical feed feature",
    )
    feedback: tuple[Feedback, ...] = Field(
        default=(), description="Count only plays with this feedback; empty: any"
    )
    plays: Literal["all", "active", "passive", "completed"] = Field(
        default="all",
        description="Count only active or passive plays, or those played for aggregation.completed_seconds",
    )
    windows: tuple[int, ...] = Field(
        min_length=1, description="Days before the play's day, one feature for each"
    )

    @field_validator("entity", mode="before")
    @classmethod
    def _one_or_several(cls, entity: object) -> object:
        return (entity,) if isinstance(entity, str) else entity

    @field_validator("entity")
    @classmethod
    def _without_leaks(cls, entity: tuple[str, ...]) -> tuple[str, ...]:
        for column in entity:
            if column in LEAKING_ENTITIES:
                raise ValueError(f"{column!r} {LEAKING_ENTITIES[column]}")
        if len(set(entity)) < len(entity):
            raise ValueError("names a column twice")
        # One order for each cross, so that declarations share partials; the user leads, since plays
        # are joined user by user.
        return tuple(sorted(entity, key=lambda column: (column != "user", column)))

    @field_validator("windows", mode="before")
    @classmethod
    def _one_window_or_several(cls, windows: object) -> object:
        return (windows,) if isinstance(windows, int) else windows

    @field_validator("windows")
    @classmethod
    def _whole_days_before(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        for days in windows:
            if not 1 <= days <= LONGEST_WINDOW:
                raise ValueError(
                    f"{days}: allowed are 1 to {LONGEST_WINDOW} days before the play's day; the day itself "
                    "would hold the play's own feedback, and that of its session"
                )
        if len(set(windows)) < len(windows):
            raise ValueError("names a window twice")
        return windows

    @model_validator(mode="after")
    def _value_fits(self) -> Aggregate:
        wants = self.function in ("sum", "mean", "approx_distinct")
        if wants and not self.value:
            raise ValueError(f"value must be set for the function {self.function}")
        if self.value and not wants:
            raise ValueError(f"value = {self.value!r}: only for sum, mean and approx_distinct")
        if self.function == "rate" and not self.is_filtered:
            raise ValueError("rate is the share of plays with some feedback: set feedback or plays")
        return self

    @property
    def window(self) -> int:
        """Days of the window, once the declaration stands for one feature."""
        (days,) = self.windows
        return days

    @property
    def is_filtered(self) -> bool:
        """Whether some plays do not count."""
        return bool(self.feedback) or self.plays != "all"

    @property
    def entity_name(self) -> str:
        """The entity in words, as the partials name it: ``user x artist``."""
        return " x ".join(self.entity)


def allowed_entities(categorical: list[str]) -> list[str]:
    """Return the entity columns of a configuration with these categorical feed features."""
    return [*EVENT_ENTITIES, *TIME_ENTITIES, *categorical]


def check_columns(name: str, aggregate: Aggregate, categorical: list[str], numeric: list[str]) -> None:
    """Raise ValueError, naming the key and what is allowed, where a column is none of the feed's."""
    allowed = allowed_entities(categorical)
    for column in aggregate.entity:
        if column not in allowed:
            raise ValueError(
                f"feature {name}: aggregate.entity = {column!r}: allowed are {', '.join(allowed)} "
                "(the last ones are the categorical feed features)"
            )
    if not aggregate.value:
        return
    values = (
        [*EVENT_ENTITIES, *categorical]
        if aggregate.function == "approx_distinct"
        else [PLAYED_SECONDS, *numeric]
    )
    if aggregate.value not in values:
        raise ValueError(
            f"feature {name}: aggregate.value = {aggregate.value!r}: allowed for {aggregate.function} are "
            f"{', '.join(values)}"
        )
