"""The whole configuration: the sections, the features, and digests that name a run."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, field_validator, model_validator

from uae_model import __version__
from uae_model.config.aggregates import EVENT_ENTITIES, check_columns
from uae_model.config.dimensions import Dimension, check_attribute, check_dimensions
from uae_model.config.features import SAME_AS_BEFORE, SESSION_FEATURES, Feature
from uae_model.config.sections import Sections
from uae_model.core.digests import NAME_DIGITS, text_digest

RESERVED_COLUMNS = frozenset(
    {
        *("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback", "dt"),
        *("session_id", "session_started_at", "position", "is_active", "label"),
        *("attention", "propensity", "sample_weight", "weighting", "run_id"),
        *("attention_model_version", "propensity_model_version"),
    }
)
"""Column names of the tables that a feature may not take."""


class Config(Sections):
    """Everything a run depends on. Immutable; recorded by every run."""

    features: tuple[Feature, ...] = Field(description="the model's inputs, at least one")
    dimensions: tuple[Dimension, ...] = Field(
        default=(), description="attributes of users and songs that change over time"
    )

    @field_validator("features")
    @classmethod
    def _one_for_each_window(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        return tuple(each for feature in features for each in feature.by_window())

    @model_validator(mode="after")
    def _columns_are_declared(self) -> Config:
        """Check that aggregates and comparisons with the previous play rest on columns that events have."""
        feed = self.features_from("feed")
        categorical = [feature.name for feature in feed if feature.kind == "categorical"]
        numeric = [feature.name for feature in feed if feature.kind == "numeric"]
        for feature in self.features:
            if feature.aggregate is not None:
                check_columns(feature.name, feature.aggregate, categorical, numeric)
        for feature in self.features_from("session"):
            compared = feature.source_column.removeprefix(SAME_AS_BEFORE)
            allowed = [*EVENT_ENTITIES, *categorical]
            if feature.source_column not in SESSION_FEATURES and compared not in allowed:
                raise ValueError(
                    f"feature {feature.name}: source = {feature.source!r}: allowed after "
                    f"session.{SAME_AS_BEFORE} are {', '.join(allowed)}"
                )
        return self

    @model_validator(mode="after")
    def _attributes_are_declared(self) -> Config:
        check_dimensions(self.dimensions)
        for feature in self.features:
            if feature.is_attribute:
                check_attribute(feature.name, feature.source, feature.kind, self.dimensions)
        return self

    @model_validator(mode="after")
    def _features_fit_together(self) -> Config:
        names = [feature.name for feature in self.features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"features: {', '.join(twice)} declared more than once")
        taken = sorted(RESERVED_COLUMNS.intersection(names))
        if taken:
            raise ValueError(f"features: {', '.join(taken)} is a column of the tables; choose another name")
        if not any(feature.kind == "categorical" for feature in self.features):
            raise ValueError("features: at least one must be categorical")
        for role, network in (("context", "attention"), ("preference", "the propensity")):
            if self.training.feature_roles and not any(f.role in (role, "both") for f in self.features):
                raise ValueError(
                    f"features: none has the role {role} or both, so {network} would see nothing; "
                    "declare one or set training.feature_roles = false"
                )
        return self

    def features_from(self, origin: str) -> list[Feature]:
        """Return the features of one origin: feed, session, event, user, song or aggregate."""
        return [feature for feature in self.features if feature.origin == origin]

    def looked_up_features(self) -> list[Feature]:
        """Return the features that the table ``features`` holds: aggregates and attributes of dimensions."""
        return [feature for feature in self.features if feature.is_looked_up]

    def features_of_kind(self, kind: str) -> list[Feature]:
        """Return the ``categorical`` or ``numeric`` features in the order of their declaration."""
        return [feature for feature in self.features if feature.kind == kind]

    def canonical_json(self, *, with_paths: bool = True) -> str:
        """Return the settings as JSON with sorted keys, the form in which runs record them."""
        exclude = set() if with_paths else {"paths", "tuning", "evaluation"}
        content = self.model_dump(mode="json", exclude=exclude)
        if not self.dimensions:
            del content["dimensions"]  # settings without any keep the name they had
        elif not with_paths:
            content["dimensions"] = [_without_feed(dimension) for dimension in self.dimensions]
        return json.dumps(content, sort_keys=True)

    def digest(self) -> str:
        """Return 12 hex digits that name these settings and this code version.

        Paths and the evaluation do not count: the same input gives the same tables wherever they lie.
        """
        return text_digest(f"{__version__} {self.canonical_json(with_paths=False)}", NAME_DIGITS)

    def digest_of(self, *sections: str) -> str:
        """Return 12 hex digits that name some sections alone, such as those that one table depends on.

        Aggregates and attributes do not count: they have a table of their own, whose days name their own
        settings.
        """
        content = self.model_dump(mode="json", include=set(sections))
        if "features" in content:
            own = [feature for feature in self.features if not feature.is_looked_up]
            content["features"] = [feature.model_dump(mode="json") for feature in own]
        return _digest_of(content)

    def dimension_digest(self, dimension: Dimension) -> str:
        """Return 12 hex digits that name what a dimension's rows depend on beside its feed."""
        return _digest_of(_without_feed(dimension))

    def run_id(self, day: str) -> str:
        """Return the id that a day's rows carry: the same day and settings give the same id.

        A retry after a crash must give the same rows, so the id holds no clock and no counter;
        logs carry the process and the time.
        """
        return f"{day}-{self.digest()}"


def _without_feed(dimension: Dimension) -> dict[str, Any]:
    return dimension.model_dump(mode="json", exclude={"feed"})


def _digest_of(content: dict[str, Any]) -> str:
    return text_digest(f"{__version__} {json.dumps(content, sort_keys=True)}", NAME_DIGITS)
