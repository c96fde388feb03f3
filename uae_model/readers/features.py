"""The features of published days as they were declared: the publication itself carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pyarrow as pa

from uae_model.core.dates import parse_moment
from uae_model.core.errors import ContractError
from uae_model.core.feature_words import column_of, meaning_of, source_of
from uae_model.core.filesystems import StorageOptions
from uae_model.readers.arrow import dataset_of, publication_rows, published_files
from uae_model.readers.days import COLUMNS, PublishedDay, choose_days, is_readable, requested_days

CONFIG = "config"
"""Column of publications: the settings of the run that published, as JSON; paths are left out."""


@dataclass(frozen=True)
class PublishedFeature:
    """A feature as it was declared when a day was published.

    Attributes:
        name: that the models and batches know it by.
        column: of ``weights`` that holds its value; another than the name for ids (``user_id``).
        kind: ``categorical`` (hashed into buckets) or ``numeric``.
        role: ``context`` moves attention, ``preference`` the response, ``both`` either.
        meaning: in words.
        type: Arrow type of the column on that day.
        source: where the value comes from, as declared: ``feed.genre``, ``session.position``, ``aggregate``.
        buckets: hash buckets of a categorical feature, without the one for missing values.
        transform: what the number of a numeric feature goes through: ``none``, ``log1p`` or ``quantile``.
    """

    name: str
    column: str
    kind: Literal["categorical", "numeric"]
    role: Literal["context", "preference", "both"]
    meaning: str
    type: pa.DataType
    source: str
    buckets: int
    transform: str


def published_features(
    tables: str,
    day: date | str | None = None,
    *,
    as_of: datetime | str | None = None,
    storage_options: StorageOptions | None = None,
) -> tuple[PublishedFeature, ...]:
    """Return the features of a published day, in the order of their declaration.

    Args:
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        day: a date or ``YYYY-MM-DD``; the newest published day by default.
        as_of: a moment (ISO 8601; without an offset UTC) whose publication counts, not that of now.
        storage_options: how S3 is reached, by deltalake's names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``
            and so on); by default as the environment says.

    Raises:
        InputError: if the day is not published.
        ContractError: if there is no such folder of tables, if the day's files are gone, or if they lack a
            column that a feature needs.
    """
    published, settings = _settings(tables, day, as_of, storage_options)
    files = published_files(tables, [published], storage_options=storage_options)
    schema = dataset_of(files, storage_options).schema
    completed = settings.get("aggregation", {}).get("completed_seconds")
    return tuple(_feature(plain, schema, completed, published.day) for plain in settings["features"])


def published_declaration(
    tables: str,
    day: date | str | None = None,
    *,
    as_of: datetime | str | None = None,
    storage_options: StorageOptions | None = None,
) -> list[dict[str, Any]]:
    """Return the features of a published day in their plain form, which ``FeatureSet.of_plain`` takes.

    Args and errors are those of ``published_features``.
    """
    declaration: list[dict[str, Any]] = _settings(tables, day, as_of, storage_options)[1]["features"]
    return declaration


def _settings(
    tables: str,
    day: date | str | None,
    as_of: datetime | str | None,
    storage_options: StorageOptions | None,
) -> tuple[PublishedDay, dict[str, Any]]:
    """Return a published day, and the settings that its publication carries."""
    wanted = requested_days(day, latest=1 if day is None else None)
    moment = None if as_of is None else parse_moment(as_of)
    rows = publication_rows(tables, [*COLUMNS, CONFIG], as_of=moment, storage_options=storage_options)
    (published,) = choose_days(rows, wanted, as_of=moment)
    (text,) = (row.get(CONFIG) for row in rows if is_readable(row) and row["dt"] == published.day)
    if not text:
        raise ContractError(
            f"table publications, day {published.day}: column {CONFIG} is empty; publish it again"
        )
    return published, json.loads(text)


def _feature(
    plain: Mapping[str, Any], schema: pa.Schema, completed_seconds: float | None, day: date
) -> PublishedFeature:
    column = column_of(plain["name"], plain["source"])
    if column not in schema.names:
        raise ContractError(
            f"table weights, day {day}: has no column {column}, which feature {plain['name']} needs"
        )
    return PublishedFeature(
        name=plain["name"],
        column=column,
        kind=plain["kind"],
        role=plain["role"],
        meaning=meaning_of(plain, completed_seconds),
        type=schema.field(column).type,
        source=source_of(plain),
        buckets=plain["buckets"],
        transform=plain["transform"],
    )
