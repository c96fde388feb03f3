"""The declaration of features."""

from __future__ import annotations

from typing import Any

import pytest

from uae_model.config import EVENT_FEATURES, SESSION_FEATURES, Config, Feature, parse_config
from uae_model.config.load import read_profile
from uae_model.core.errors import ConfigError

GENRE = {"name": "genre", "kind": "categorical", "role": "both"}


def declare(*features: dict[str, Any]) -> Config:
    return parse_config({**read_profile("default"), "features": list(features)})


def test_a_feature_comes_from_the_feed_column_of_its_name_unless_told_otherwise() -> None:
    assert Feature(**GENRE).source == "feed.genre"  # type: ignore[arg-type]
    other = Feature(**GENRE, source="feed.style.of.music")  # type: ignore[arg-type]
    assert (other.origin, other.source_column) == ("feed", "style.of.music")


@pytest.mark.parametrize(
    "source",
    [*(f"session.{name}" for name in SESSION_FEATURES), *(f"event.{name}" for name in EVENT_FEATURES)],
)
def test_derived_and_event_sources(source: str) -> None:
    feature = declare(GENRE, {**GENRE, "name": "other", "source": source}).features[1]
    assert f"{feature.origin}.{feature.source_column}" == source


def test_position_is_read_by_both_names_and_stored_under_the_first() -> None:
    old, new = (
        declare(GENRE, {**GENRE, "name": "place", "source": source})
        for source in ("session.play_rank", "session.position")
    )
    assert old == new
    assert new.features[1].source == "session.position"
    # What days, snapshots and models were built from is recorded under the name that position had first.
    assert new.features[1].model_dump()["source"] == "session.play_rank"
    assert old.digest() == new.digest()


@pytest.mark.parametrize(
    "source", ["event.feedback", "event.played_ms", "session.label", "feed.", "plays.genre", "genre"]
)
def test_what_would_leak_or_does_not_exist_is_refused(source: str) -> None:
    with pytest.raises(
        ConfigError, match=r"feature genre: source = .*: allowed: feed.<column>, session.position"
    ) as failure:
        declare({**GENRE, "source": source})
    assert "would leak" in str(failure.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "Genre"}, "name = 'Genre'"),
        ({"name": "1st"}, "name = '1st'"),
        ({"kind": "text"}, "feature genre: kind = 'text': Input should be 'categorical' or 'numeric'"),
        ({"role": "none"}, "feature genre: role = 'none': Input should be 'context', 'preference' or 'both'"),
        ({"buckets": 1}, "feature genre: buckets = 1: Input should be greater than or equal to 2"),
        (
            {"transform": "sqrt"},
            "feature genre: transform = 'sqrt': Input should be 'none', 'log1p' or 'quantile'",
        ),
        ({"colour": "red"}, "feature genre: colour: no such setting"),
    ],
)
def test_each_field_has_its_range(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as failure:
        declare({**GENRE, **change})
    assert named in str(failure.value)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([GENRE, GENRE], "features: genre declared more than once"),
        ([{**GENRE, "name": "label"}], "features: label is a column of the tables; choose another name"),
        ([{**GENRE, "kind": "numeric"}], "features: at least one must be categorical"),
        ([], "features: at least one must be categorical"),
        (["genre"], "feature number 1 = 'genre'"),
    ],
)
def test_features_must_fit_together(features: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        declare(*features)


def test_features_are_found_by_origin_and_kind_in_their_order() -> None:
    config = parse_config(read_profile("default"))
    assert [f.name for f in config.features.of_origin("event")] == ["user", "song"]
    assert [f.name for f in config.features.of_origin("session")] == [
        *("hour_of_day", "day_of_week", "play_rank", "gap_seconds"),
    ]
    assert [f.name for f in config.features.numeric] == [
        *("play_rank", "gap_seconds", "song_popularity", "genre_affinity"),
    ]
