"""The declaration of a feature: name, kind, role, source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from uae_model.config.base import Section

SESSION_FEATURES = {
    "play_rank": "1 for the first play of the session, 2 for the next, ...",
    "gap_seconds": "seconds from the end of the previous play of the session; 0 for the first",
    "session_minutes": "minutes from the session's start to this start",
    "hour_of_day": "hour of the start, 0-23 UTC",
    "day_of_week": "1 = Monday ... 7 = Sunday, UTC",
}
"""Derived features that use only what came before the play started (point in time)."""

EVENT_FEATURES = ("user_id", "song_id")
"""Core event columns that may serve as features. The rest would leak: played_ms, feedback and the
labels are known only after the play."""


class Feature(Section):
    """One model input, declared once and used alike by training and scoring."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="column name in plays and weights")
    kind: Literal["categorical", "numeric"] = Field(
        description="categorical: hashed into buckets; numeric: transformed, then standardised"
    )
    role: Literal["context", "preference", "both"] = Field(
        description="context moves attention, preference moves the response"
    )
    source: str = Field(
        default="",
        description="feed.<column> (default feed.<name>), session.<derived> or event.<column>",
    )
    buckets: int = Field(
        default=1000, ge=2, le=10_000_000, description="hash buckets of a categorical feature"
    )
    transform: Literal["none", "log1p"] = Field(
        default="none", description="applied to a numeric feature before it is standardised"
    )

    @model_validator(mode="before")
    @classmethod
    def _default_source(cls, values: dict[str, object]) -> dict[str, object]:
        if isinstance(values, dict) and not values.get("source") and "name" in values:
            return {**values, "source": f"feed.{values['name']}"}
        return values

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        origin, _, column = source.partition(".")
        if origin == "feed" and column:
            return source
        if origin == "session" and column in SESSION_FEATURES:
            return source
        if origin == "event" and column in EVENT_FEATURES:
            return source
        raise ValueError(
            "allowed: feed.<column>, "
            + ", ".join(f"session.{name}" for name in SESSION_FEATURES)
            + ", "
            + ", ".join(f"event.{name}" for name in EVENT_FEATURES)
            + " (played_ms and feedback are known only after the play, so they would leak)"
        )

    @property
    def origin(self) -> str:
        """Where the value comes from: feed, session or event."""
        return self.source.partition(".")[0]

    @property
    def source_column(self) -> str:
        """The column of that origin."""
        return self.source.partition(".")[2]
