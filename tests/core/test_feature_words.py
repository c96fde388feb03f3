"""The meaning of a feature, from its plain declaration."""

from __future__ import annotations

from typing import Any

import pytest

from uae_model.config import Feature
from uae_model.core.feature_words import column_of, meaning_of, source_of

LIKES = {"entity": ["user", "artist"], "function": "rate", "feedback": ["like", "skip"], "windows": [7]}
DAYS = {"entity": ["song"], "function": "last_seen", "plays": "active", "windows": [1]}
FINISHED = {"entity": ["user"], "function": "count", "plays": "completed", "windows": [30]}
HEARD = {"entity": ["user"], "function": "mean", "value": "played_seconds", "windows": [2]}


@pytest.mark.parametrize(
    ("declared", "meaning"),
    [
        ({"kind": "categorical"}, "the feed's name, as delivered with the play"),
        ({"kind": "numeric", "source": "feed.bpm"}, "the feed's bpm, as delivered with the play"),
        ({"kind": "categorical", "source": "event.song_id"}, "the play's song_id"),
        ({"kind": "numeric", "source": "session.day_of_week"}, "1 = Monday ... 7 = Sunday, UTC"),
        (
            {"kind": "numeric", "source": "session.position"},
            "1 for the first play of the session, 2 for the next, ...",
        ),
        (
            {"kind": "numeric", "source": "session.same_artist"},
            "1 if the session's previous play has the same artist, else 0",
        ),
        ({"kind": "numeric", "source": "user.age"}, "the age of the play's user when the play started"),
        (
            {"aggregate": LIKES},
            "share of plays with feedback like or skip among the plays of the play's user x artist in the "
            "7 days before its day",
        ),
        (
            {"aggregate": DAYS},
            "days from the last active play to this one of the play's song in the day before its day",
        ),
        (
            {"aggregate": FINISHED},
            "completed plays of the play's user in the 30 days before its day (completed: 30 s or more)",
        ),
        (
            {"aggregate": HEARD},
            "mean of played_seconds over plays of the play's user in the 2 days before its day",
        ),
    ],
)
def test_in_words(declared: dict[str, Any], meaning: str) -> None:
    feature = Feature.model_validate({"name": "name", "role": "both", **declared})
    assert meaning_of(feature.model_dump(mode="json"), 30.0) == meaning


def test_the_position_has_the_name_of_now() -> None:
    feature = Feature(name="place", kind="numeric", role="both", source="session.position")
    plain = feature.model_dump(mode="json")
    assert plain["source"] != feature.source
    assert source_of(plain) == feature.source


@pytest.mark.parametrize(
    ("source", "column"), [("event.user_id", "user_id"), ("feed.who", "user"), ("aggregate", "user")]
)
def test_ids_stay_in_columns_of_their_own(source: str, column: str) -> None:
    assert column_of("user", source) == column
