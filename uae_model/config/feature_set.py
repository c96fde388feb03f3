"""The declared features together: their kinds, their order, and what each network sees of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from uae_model.config.features import Feature, Role


class FeatureSet(tuple[Feature, ...]):
    """Features in the order of their declaration; an aggregate of several windows is one feature for each.

    The networks, snapshots and scores have two matrices of them: ``categorical`` with bucket numbers and
    ``numeric`` with transformed numbers, each in the order of the declaration.
    """

    __slots__ = ()

    def __new__(cls, features: Iterable[Feature] = ()) -> FeatureSet:
        """Return these features, an aggregate of several windows split into one for each."""
        return super().__new__(
            cls, (of_one_window for feature in features for of_one_window in feature.by_window())
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as a tuple of features and write as one."""
        return core_schema.no_info_after_validator_function(cls, handler(tuple[Feature, ...]))

    @classmethod
    def of_plain(cls, stored: Iterable[Mapping[str, Any]]) -> FeatureSet:
        """Return the features of ``to_plain``; a setting that did not exist then has its default.

        Raises:
            ValueError: if a feature is none that this version can declare.
        """
        return cls(Feature.model_validate(feature) for feature in stored)

    def to_plain(self) -> list[dict[str, Any]]:
        """Return the declaration as JSON values, as manifests and models carry it."""
        return [feature.model_dump(mode="json") for feature in self]

    @property
    def categorical(self) -> tuple[Feature, ...]:
        """The features with bucket numbers, in their order."""
        return tuple(feature for feature in self if feature.is_categorical)

    @property
    def numeric(self) -> tuple[Feature, ...]:
        """The features with numbers, in their order."""
        return tuple(feature for feature in self if not feature.is_categorical)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of the declaration."""
        return tuple(feature.name for feature in self)

    @property
    def buckets(self) -> tuple[int, ...]:
        """The hash buckets of each categorical feature, without the one for missing values."""
        return tuple(feature.buckets for feature in self.categorical)

    @property
    def joined(self) -> FeatureSet:
        """The features that the table ``features`` holds: aggregates and attributes of dimensions."""
        return FeatureSet(feature for feature in self if feature.is_joined)

    def of_origin(self, origin: str) -> FeatureSet:
        """Return the features of one origin: feed, session, event, user, song or aggregate."""
        return FeatureSet(feature for feature in self if feature.origin == origin)

    def seen_by(self, role: Role) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the columns of a role among the categorical and among the numeric features.

        Features of the role ``both`` belong to every role.
        """
        categorical, numeric = (
            tuple(column for column, feature in enumerate(features) if feature.role in (role, "both"))
            for features in (self.categorical, self.numeric)
        )
        return categorical, numeric
