"""The declaration of a feature: name, kind, role, source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from uae_model.config.aggregates import Aggregate
from uae_model.config.base import Section
from uae_model.config.dimensions import DIMENSION_ENTITIES
from uae_model.core.feature_words import (
    POSITION,
    SAME_AS_BEFORE,
    SESSION_FEATURES,
    STORED_POSITION,
    column_of,
)

EVENT_FEATURES = ("user_id", "song_id")
"""Core event columns that may serve as features. The rest would leak: played_ms, feedback and the
labels are known only after the play."""

Role = Literal["context", "preference", "both"]
"""What a feature moves: attention, the response, or both."""

AGGREGATE = "aggregate"
"""Source of a feature that is aggregated over the days before the play's."""


class Feature(Section):
    """One model input, declared once and used alike by training and scoring."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Column name in plays and weights")
    kind: Literal["categorical", "numeric"] = Field(
        description="How the value is encoded: categorical is hashed into buckets, numeric is standardised"
    )
    role: Role = Field(
        description="What it moves: context moves attention, preference the response, both either"
    )
    source: str = Field(
        default="",
        description="Where the value comes from: feed.<column> (default feed.<name>), session.<derived>, "
        "event.<column>, user.<attribute> or song.<attribute> of a dimension, or aggregate",
    )
    buckets: int = Field(
        default=1000, ge=2, le=10_000_000, description="Hash buckets of a categorical feature"
    )
    transform: Literal["none", "log1p", "quantile"] = Field(
        default="none",
        description="What a numeric feature goes through: none; log1p, before it is standardised; quantile, "
        "the tenth of the training window that the value falls into",
    )
    aggregate: Aggregate | None = Field(
        default=None,
        description="Entity, function and windows of a feature that is computed from the days before",
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, values: dict[str, object]) -> dict[str, object]:
        if not isinstance(values, dict) or "name" not in values:
            return values
        if values.get("aggregate"):
            return {"source": AGGREGATE, "kind": "numeric", **values}
        if not values.get("source"):
            return {**values, "source": f"feed.{values['name']}"}
        if values["source"] == STORED_POSITION:
            return {**values, "source": POSITION}
        return values

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        origin, _, column = source.partition(".")
        if origin == "feed" and column:
            return source
        if origin == "session" and (column in SESSION_FEATURES or column.startswith(SAME_AS_BEFORE)):
            return source
        if origin == "event" and column in EVENT_FEATURES:
            return source
        if source == AGGREGATE or (origin in DIMENSION_ENTITIES and column):
            return source
        raise ValueError(
            "allowed: feed.<column>, "
            + ", ".join(f"session.{name}" for name in SESSION_FEATURES)
            + f", session.{SAME_AS_BEFORE}<column>, "
            + ", ".join(f"event.{name}" for name in EVENT_FEATURES)
            + "".join(f", {name}.<attribute>" for name in DIMENSION_ENTITIES)
            + " (of a dimension) and aggregate (played_ms and feedback are known only after the play, so "
            "they would leak; the earlier feedback of the session is E, which belongs to the propensity and "
            "reaches it by itself)"
        )

    @field_serializer("source")
    def _stored_source(self, source: str) -> str:
        return STORED_POSITION if source == POSITION else source

    @model_validator(mode="after")
    def _aggregate_fits(self) -> Feature:
        if (self.source == AGGREGATE) != (self.aggregate is not None):
            raise ValueError("source = aggregate needs aggregate = {entity, function, windows}, and it alone")
        if self.aggregate is not None and self.kind != "numeric":
            raise ValueError(f"kind = {self.kind!r}: an aggregate is numeric")
        return self

    @property
    def origin(self) -> str:
        """Where the value comes from: feed, session, event, user, song or aggregate."""
        return self.source.partition(".")[0]

    @property
    def source_column(self) -> str:
        """The column of that origin."""
        return self.source.partition(".")[2]

    @property
    def column(self) -> str:
        """The column of ``plays`` and ``weights`` that holds the value."""
        return column_of(self.name, self.source)

    @property
    def is_categorical(self) -> bool:
        """Whether the networks read a bucket number; else they read a number."""
        return self.kind == "categorical"

    @property
    def is_attribute(self) -> bool:
        """Whether the value is an attribute of the play's user or song, from a dimension."""
        return self.origin in DIMENSION_ENTITIES

    @property
    def is_joined(self) -> bool:
        """Whether the value is in the table ``features`` rather than with the play."""
        return self.source == AGGREGATE or self.is_attribute

    def with_role_swapped(self) -> Feature:
        """Return the feature with context for preference and the reverse; ``both`` stays."""
        swapped = {"context": "preference", "preference": "context", "both": "both"}
        return self.model_copy(update={"role": swapped[self.role]})

    def by_window(self) -> list[Feature]:
        """Return one feature for each window of an aggregate, named after it; any other as it is."""
        if self.aggregate is None or len(self.aggregate.windows) == 1:
            return [self]
        return [
            self.model_copy(
                update={
                    "name": f"{self.name}_{days}d",
                    "aggregate": self.aggregate.model_copy(update={"windows": (days,)}),
                }
            )
            for days in self.aggregate.windows
        ]
