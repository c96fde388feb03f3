"""Which of the other columns may be features of the models, of which kind, and why others may not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from uae_model.config import Feature
from uae_model.config.features import Role
from uae_model.config.feed_settings import FEED_TARGETS
from uae_model.config.load import read_profile
from uae_model.config.settings import RESERVED_COLUMNS
from uae_model.first_contact import words as w
from uae_model.first_contact.facts import ColumnFacts, median

FEW_VALUES = 32
"""Whole numbers of so few values are names of something rather than amounts."""

OWN_VALUE = 0.9
"""Share of rows with a value of their own from which on a column tells nothing of other rows."""

FEWEST_ROWS = 20
MOSTLY_EMPTY = 0.05
SMALLEST_BUCKETS, LARGEST_BUCKETS = 8, 10_000
SKEWED = 20.0
"""A largest number so many times the middle one goes through a logarithm."""


@dataclass(frozen=True)
class FeatureGuesses:
    """The features that can be read from the rest of the columns, and why the others are left out."""

    features: tuple[Feature, ...]
    left_out: dict[str, str]


def own_features() -> list[Feature]:
    """Return the features of the default profile that need no column of the feed beside the core ones."""
    declared = [Feature.model_validate(feature) for feature in read_profile("default")["features"]]
    return [feature for feature in declared if feature.origin in ("session", "event")]


def guess_inputs(facts: Mapping[str, ColumnFacts], taken: Collection[str]) -> FeatureGuesses:
    """Look at the columns that are nothing else.

    Args:
        facts: of all columns.
        taken: those that are read as something else.
    """
    features: list[Feature] = []
    left_out: dict[str, str] = {}
    names = {*(feature.name for feature in own_features()), *RESERVED_COLUMNS}
    read = {name.lower() for name in (*taken, "event_id", "played_ms")}
    for name, column in facts.items():
        if name in taken:
            continue
        reason = why_no_feature(column, read)
        if reason:
            left_out[name] = reason
            continue
        feature = _feature(column, names)
        features.append(feature)
        names.add(feature.name)
        read.add(name.lower())
    return FeatureGuesses(tuple(features), left_out)


def why_no_feature(column: ColumnFacts, read: Collection[str]) -> str:
    """Return why a column is no feature; empty for one that is.

    Args:
        column: what was seen of it.
        read: the columns that are read already, in lower case.
    """
    words = set(w.words_of(column.name))
    if column.name in FEED_TARGETS or column.name.lower() in read:
        return "its name is that of a column that is read already, but for upper and lower case"
    return (
        _why_by_name(words)
        or _why_by_values(column)
        or ("is a time of its own" if column.time_format or column.other_time else "")
    )


def _why_by_name(words: Collection[str]) -> str:
    of_start = {"start"} & set(words)
    reasons: Iterable[tuple[frozenset[str], str]] = (
        (w.PERSONAL, "tells who or where a person is"),
        (w.SESSION, "sessions are cut from the times"),
        (frozenset() if of_start else w.AFTER, "may be known only after the play, and would tell the answer"),
    )
    return next((reason for vocabulary, reason in reasons if vocabulary & set(words)), "")


def _why_by_values(column: ColumnFacts) -> str:
    if column.filled < MOSTLY_EMPTY * column.rows:
        return "is nearly always empty"
    if column.distinct < 2:
        return f"is always {column.example[:40]!r}"
    if column.example.startswith(("[", "{")):
        return "holds lists or objects"
    own = column.distinct >= OWN_VALUE * column.filled and column.rows >= FEWEST_ROWS
    if own and (not column.numbers or w.NAMING & set(w.words_of(column.name))):
        return "has another value in nearly every row"
    if column.numbers and not column.all_numbers:
        return "holds numbers, and sometimes something else (NaN, or text): write nothing there"
    return ""


def _feature(column: ColumnFacts, names: Collection[str]) -> Feature:
    name = _name(column.name, names)
    words = set(w.words_of(column.name))
    is_amount = bool(column.numbers) and not words & w.NAMING and not column.is_flag
    is_amount = is_amount and (column.distinct > FEW_VALUES or not column.is_whole)
    given: dict[str, object] = {"name": name, "role": role_of(words)}
    if name != column.name:
        given["source"] = f"feed.{column.name}"
    if not is_amount:
        return Feature.model_validate({**given, "kind": "categorical", "buckets": _buckets(column.distinct)})
    is_skewed = min(column.numbers) >= 0 and max(column.numbers) > SKEWED * median(column.numbers)
    return Feature.model_validate({**given, "kind": "numeric", "transform": "log1p" if is_skewed else "none"})


def role_of(words: Collection[str]) -> Role:
    """Return what a feature moves, by its name: the moment moves attention, the song the response."""
    if set(words) & w.OF_MOMENT:
        return "context"
    return "preference" if set(words) & (w.OF_SONG | w.SONG) else "both"


def _buckets(distinct: int) -> int:
    buckets = SMALLEST_BUCKETS
    while buckets < 4 * distinct and buckets < LARGEST_BUCKETS:
        buckets *= 2
    return min(buckets, LARGEST_BUCKETS)


def _name(column: str, names: Collection[str]) -> str:
    """Return a name of a feature that no other has: lower case letters, digits and _."""
    pieces = [piece for piece in w.BOUNDARY.split(column) if piece]
    name = re.sub(r"[^a-z0-9]+", "_", "_".join(pieces).lower()).strip("_")
    name = column if re.fullmatch(r"[a-z][a-z0-9_]*", column) else name
    name = name if re.match("[a-z]", name) else f"column_{name}".rstrip("_")
    unused, number = name, 2
    while unused in names:
        unused, number = f"{name}_{number}", number + 1
    return unused
