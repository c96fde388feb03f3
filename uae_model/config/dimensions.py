"""The declaration of a dimension: attributes of users or songs that change over time."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, get_args

from pydantic import Field, field_validator

from uae_model.config.base import TextFiles, TimeFormat, check_placeholders

DimensionEntity = Literal["user", "song"]
DIMENSION_ENTITIES: tuple[DimensionEntity, ...] = get_args(DimensionEntity)
"""What a dimension describes, and the origin of the features that read it: ``song.genre``."""

VALID_FROM, VALID_TO, RESTATED_AT = "valid_from", "valid_to", "restated_at"
"""Columns of a dimension's table: a row holds from the first up to, but not at, the second. The third is
when the feed said the same again, which late rows need to be put in their place."""

ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]*")
RESERVED_ATTRIBUTES = ("user_id", "song_id", VALID_FROM, VALID_TO, RESTATED_AT, "dt")


class Dimension(TextFiles):
    """Attributes of users or songs, each row of the feed stating all of them from a time on."""

    entity: DimensionEntity = Field(
        description="Whose attributes these are, user or song; the table is users or songs"
    )
    feed: str = Field(
        min_length=1,
        description="A delivered slot, written like paths.feed: {date}, {hour}, or neither for a file or "
        "folder that is complete",
    )
    format: Literal["parquet", "jsonl", "csv"] = Field(default="parquet", description="Format of the files")
    attributes: dict[str, Literal["categorical", "numeric"]] = Field(
        min_length=1,
        description="Attributes that features may read, each with its kind; columns of the table",
    )
    columns: dict[str, str] = Field(
        default={},
        description="Names that differ in the feed, as target = source: of the id (user_id or song_id), "
        "valid_from and attributes",
    )
    time_format: TimeFormat = Field(default="iso", description="How valid_from is written")
    earliest_date: date = Field(
        default=date(2000, 1, 1),
        description="A statement from before this day is quarantined: a clock that was never set says 1970",
    )

    _known_placeholders = field_validator("feed")(check_placeholders)

    @field_validator("attributes")
    @classmethod
    def _usable_names(cls, attributes: dict[str, str]) -> dict[str, str]:
        for name in attributes:
            if not ATTRIBUTE_NAME.fullmatch(name):
                raise ValueError(f"{name!r}: allowed are lower-case letters, digits and _, a letter first")
            if name in RESERVED_ATTRIBUTES:
                raise ValueError(f"{name!r} is a column of the table already; choose another name")
        return attributes

    @property
    def table(self) -> str:
        """The table that holds it."""
        return f"{self.entity}s"

    @property
    def key(self) -> str:
        """The id column, as ``plays`` calls it."""
        return f"{self.entity}_id"

    def source_column(self, target: str) -> str:
        """Return the feed's name of a column."""
        return self.columns.get(target, target)

    @property
    def targets(self) -> list[str]:
        """What is read of the feed: the id, the time, the attributes."""
        return [self.key, VALID_FROM, *self.attributes]


def check_dimensions(dimensions: tuple[Dimension, ...]) -> None:
    """Raise ValueError, naming the key and what is allowed, where declarations do not fit together."""
    entities = [dimension.entity for dimension in dimensions]
    for dimension in dimensions:
        if entities.count(dimension.entity) > 1:
            raise ValueError(f"dimensions: entity = {dimension.entity!r} is declared more than once")
        unknown = sorted(set(dimension.columns) - set(dimension.targets))
        if unknown:
            raise ValueError(
                f"dimensions ({dimension.table}): columns has {', '.join(unknown)}: allowed are "
                f"{', '.join(dimension.targets)}"
            )
        if "{hour}" in dimension.feed and "{date}" not in dimension.feed:
            raise ValueError(
                f"dimensions ({dimension.table}): feed = {dimension.feed!r}: {{hour}} needs "
                "{date} beside it"
            )


def check_attribute(name: str, source: str, kind: str, dimensions: tuple[Dimension, ...]) -> None:
    """Raise ValueError where a feature reads an attribute that is not declared, or as another kind."""
    origin, _, attribute = source.partition(".")
    declared = {dimension.entity: dimension for dimension in dimensions}
    allowed = ", ".join(f"{e}.{a}" for e, dimension in declared.items() for a in dimension.attributes)
    if origin not in declared or attribute not in declared[origin].attributes:
        raise ValueError(
            f"feature {name}: source = {source!r}: declare it under [[dimensions]] with entity = {origin!r}; "
            f"allowed so far: {allowed or 'none, no dimension is declared'}"
        )
    wanted = declared[origin].attributes[attribute]
    if kind != wanted:
        raise ValueError(
            f"feature {name}: kind = {kind!r}: allowed is {wanted!r}, as dimensions ({origin}s) declares "
            f"{attribute}"
        )
