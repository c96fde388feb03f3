"""The whole configuration: the sections, the features, and digests that name a run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import Field, model_validator

from uae_model import __version__
from uae_model.config.aggregates import EVENT_ENTITIES, check_columns
from uae_model.config.dimensions import Dimension, check_attribute, check_dimensions
from uae_model.config.feature_set import FeatureSet
from uae_model.config.features import Feature, Role
from uae_model.config.feed_settings import FEED_TARGETS
from uae_model.config.retention import check_days_of_rows
from uae_model.config.sections import Sections, SnapshotSettings
from uae_model.core.digests import NAME_DIGITS, text_digest
from uae_model.core.feature_words import SAME_AS_BEFORE, SESSION_FEATURES

RESERVED_COLUMNS = frozenset(
    {
        *("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback", "feed_slot", "dt"),
        *("session_id", "session_started_at", "position", "is_active", "label"),
        *("attention", "propensity", "sample_weight", "weighting", "run_id"),
        *("attention_model_version", "propensity_model_version"),
    }
)
"""Column names of the tables that a feature may not take."""


class Config(Sections):
    """Everything a run depends on. Immutable; recorded by every run."""

    features: FeatureSet = Field(description="The model's inputs, at least one")
    dimensions: tuple[Dimension, ...] = Field(
        default=(), description="Attributes of users and songs that change over time"
    )

    @model_validator(mode="after")
    def _columns_are_declared(self) -> Config:
        """Check that aggregates and comparisons with the previous play rest on columns that events have."""
        feed = self.features.of_origin("feed")
        categorical = [feature.name for feature in feed.categorical]
        numeric = [feature.name for feature in feed.numeric]
        for feature in self.features:
            if feature.aggregate is not None:
                check_columns(feature.name, feature.aggregate, categorical, numeric)
        for feature in self.features.of_origin("session"):
            compared = feature.source_column.removeprefix(SAME_AS_BEFORE)
            allowed = [*EVENT_ENTITIES, *categorical]
            if feature.source_column not in SESSION_FEATURES and compared not in allowed:
                raise ValueError(
                    f"feature {feature.name}: source = {feature.source!r}: allowed after "
                    f"session.{SAME_AS_BEFORE} are {', '.join(allowed)}"
                )
        return self

    @model_validator(mode="after")
    def _feed_columns_are_read(self) -> Config:
        """Check that the names of the feed's columns are given for what is read, so that no typo passes."""
        of_features = {feature.source_column for feature in self.features.of_origin("feed")}
        allowed = [*FEED_TARGETS, *sorted(of_features)]
        for target in self.feed.columns:
            if target not in allowed:
                near = difflib.get_close_matches(target, allowed, 1)
                meant = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(allowed)}"
                raise ValueError(f"feed.columns.{target}: nothing reads a column of this name; {meant}")
        return self

    @model_validator(mode="after")
    def _attributes_are_declared(self) -> Config:
        check_dimensions(self.dimensions)
        for feature in self.features:
            if feature.is_attribute:
                check_attribute(feature.name, feature.source, feature.kind, self.dimensions)
        return self

    @model_validator(mode="after")
    def _rows_are_kept_long_enough(self) -> Config:
        check_days_of_rows(self)
        return self

    @model_validator(mode="after")
    def _features_fit_together(self) -> Config:
        names = self.features.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"features: {', '.join(twice)} declared more than once")
        taken = sorted(RESERVED_COLUMNS.intersection(names))
        if taken:
            raise ValueError(f"features: {', '.join(taken)} is a column of the tables; choose another name")
        if not self.features.categorical:
            raise ValueError("features: at least one must be categorical")
        networks: dict[Role, str] = {"context": "attention", "preference": "the propensity"}
        for role, network in networks.items():
            if self.training.feature_roles and not any(self.features.seen_by(role)):
                raise ValueError(
                    f"features: none has the role {role} or both, so {network} would see nothing; "
                    "declare one or set training.feature_roles = false"
                )
        return self

    def with_features(self, features: Iterable[Feature]) -> Config:
        """Return the configuration with other features, which are not checked against the rest."""
        return self.model_copy(update={"features": FeatureSet(features)})

    def canonical_json(self, *, with_paths: bool = True) -> str:
        """Return the settings as JSON with sorted keys, the form in which runs record them."""
        exclude = set() if with_paths else {"paths", "tuning", "evaluation"}
        content = self.model_dump(mode="json", exclude=exclude)
        _drop_later_settings(content)
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
        settings. Nor does what only refuses rows, or says when a day is built, and never changes a row.
        """
        content = self.model_dump(mode="json", include=set(sections))
        for name in ("max_withdrawn_share", "reopen", "reopen_share"):
            content.get("feed", {}).pop(name, None)
        _drop_later_settings(content)
        if "features" in content:
            own = FeatureSet(feature for feature in self.features if not feature.is_joined)
            content["features"] = own.to_plain()
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


def _drop_later_settings(content: dict[str, Any]) -> None:
    """Take out what came later and says what was always so: such settings keep the name they had."""
    if content.get("feed", {}).get("played_unit") == "milliseconds":
        del content["feed"]["played_unit"]
    if content.get("snapshot", {}).get("max_plays") == SnapshotSettings().max_plays:
        del content["snapshot"]["max_plays"]


def _without_feed(dimension: Dimension) -> dict[str, Any]:
    return dimension.model_dump(mode="json", exclude={"feed"})


def _digest_of(content: dict[str, Any]) -> str:
    return text_digest(f"{__version__} {json.dumps(content, sort_keys=True)}", NAME_DIGITS)
