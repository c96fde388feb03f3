"""What a declared feature means, from its plain form, which manifests, models and publications carry.

Plain Python: those who read the weights need nothing else to be told what a column is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SESSION_FEATURES = {
    "position": "1 for the first play of the session, 2 for the next, ...",
    "gap_seconds": "seconds from the latest end of the plays before; 0 for the first of the session",
    "session_minutes": "minutes from the session's start to this start",
    "hour_of_day": "hour of the start, 0-23 UTC",
    "day_of_week": "1 = Monday ... 7 = Sunday, UTC",
}
"""Derived features that use only what came before the play started (point in time)."""

SAME_AS_BEFORE = "same_"
"""Prefix of the derived features 1 (the previous play of the session has the same value), 0 (it has
another, or there is none): ``session.same_artist``."""

POSITION, STORED_POSITION = "session.position", "session.play_rank"
"""A source, and the name that it had first: models, snapshots and the digests of days are stored under it."""

AGGREGATE_FUNCTIONS = {
    "count": "plays",
    "rate": "share of the plays",
    "sum": "sum of {value} over plays",
    "mean": "mean of {value} over plays",
    "last_seen": "days from the last play to this one, among plays",
    "approx_distinct": "different values of {value} among plays (HyperLogLog, about 2 % off)",
}
"""What each function of an aggregate gives; ``{value}`` is the value column."""


def column_of(name: str, source: str) -> str:
    """Return the column of ``plays`` and ``weights`` that holds a feature's value."""
    origin, _, column = source.partition(".")
    return column if origin == "event" else name


def source_of(feature: Mapping[str, Any]) -> str:
    """Return where a feature's value comes from, by the name that declarations use."""
    source: str = feature["source"]
    return POSITION if source == STORED_POSITION else source


def meaning_of(feature: Mapping[str, Any], completed_seconds: float | None = None) -> str:
    """Return what a feature means, in words.

    Args:
        feature: its plain declaration.
        completed_seconds: seconds from which a play counts as completed (``aggregation.completed_seconds``).
    """
    if feature.get("aggregate"):
        text = aggregate_in_words(feature["aggregate"])
        if feature["aggregate"].get("plays") == "completed" and completed_seconds is not None:
            text += f" (completed: {completed_seconds:g} s or more)"
        return text
    origin, _, column = source_of(feature).partition(".")
    if origin == "session":
        compared = column.removeprefix(SAME_AS_BEFORE)
        return SESSION_FEATURES.get(
            column, f"1 if the session's previous play has the same {compared}, else 0"
        )
    if origin == "event":
        return f"the play's {column}"
    if origin == "feed":
        return f"the feed's {column}, as delivered with the play"
    return f"the {column} of the play's {origin} when the play started"  # an attribute of a dimension


def aggregate_in_words(aggregate: Mapping[str, Any]) -> str:
    """Return what an aggregate of one window means, from its plain declaration."""
    which = "" if aggregate["plays"] == "all" else f"{aggregate['plays']} "
    feedback = f" with feedback {' or '.join(aggregate['feedback'])}" if aggregate["feedback"] else ""
    counted = AGGREGATE_FUNCTIONS[aggregate["function"]].format(value=aggregate["value"])
    if aggregate["function"] == "rate":
        counted = f"share of {which}plays{feedback} among the plays"
    else:
        counted = counted.replace("plays", f"{which}plays{feedback}").replace(
            "last play", f"last {which}play{feedback}"
        )
        counted = counted.removesuffix(f", among {which}plays{feedback}")
    (window,) = aggregate["windows"]
    days = "the day" if window == 1 else f"the {window} days"
    return f"{counted} of the play's {' x '.join(aggregate['entity'])} in {days} before its day"
