"""The declaration of aggregates: windows become features, and what is wrong or would leak is refused."""

from __future__ import annotations

from typing import Any

import pytest

from uae_model.config import Config, parse_config
from uae_model.core.errors import ConfigError

GENRE = {"name": "genre", "kind": "categorical", "role": "both"}
TEMPO = {"name": "tempo", "kind": "numeric", "role": "both"}


def declare(**aggregate: Any) -> Config:
    plays = {"entity": ["user"], "function": "count", "windows": [7], **aggregate}
    feature = {"name": "plays", "role": "both", "aggregate": plays}
    return parse_config({"features": [GENRE, TEMPO, feature]})


def test_each_window_is_a_feature_named_after_it() -> None:
    config = declare(windows=[1, 7, 30])
    aggregates = config.features.of_origin("aggregate")
    assert [f.name for f in aggregates] == ["plays_1d", "plays_7d", "plays_30d"]
    assert [f.aggregate.window for f in aggregates if f.aggregate] == [1, 7, 30]
    assert {f.kind for f in aggregates} == {"numeric"}
    assert parse_config(config.model_dump()) == config  # a stored declaration is one of its own


def test_one_window_leaves_the_name() -> None:
    assert declare(windows=7).features[2].name == "plays"


def test_a_cross_is_the_same_in_any_order() -> None:
    first, second = (declare(entity=entity).features[2] for entity in (["genre", "user"], ["user", "genre"]))
    assert first == second
    assert first.aggregate is not None
    assert first.aggregate.entity_name == "user x genre"


def test_aggregates_do_not_touch_the_digest_of_events_and_plays() -> None:
    without = parse_config({"features": [GENRE, TEMPO]})
    assert declare().digest_of("features") == without.digest_of("features")
    assert declare().digest() != without.digest()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"entity": "album"},
            "aggregate.entity = 'album': allowed are user, song, hour_of_day, day_of_week, genre",
        ),
        ({"entity": ["user", "tempo"]}, "aggregate.entity = 'tempo': allowed are"),
        ({"entity": ["feedback"]}, "'feedback' is known only after the play"),
        ({"entity": ["user", "session_id"]}, "whose feedback E belongs to the propensity"),
        ({"entity": ["user", "user"]}, "names a column twice"),
        ({"windows": [0, 7]}, "0: allowed are 1 to 90 days before the play's day; the day itself would hold"),
        ({"windows": [91]}, "91: allowed are 1 to 90"),
        ({"windows": [7, 7]}, "names a window twice"),
        ({"function": "median"}, "aggregate.function = 'median': Input should be 'count', 'rate', 'sum'"),
        ({"function": "rate"}, "rate is the share of plays with some feedback"),
        ({"function": "mean"}, "value must be set for the function mean"),
        ({"function": "mean", "value": "genre"}, "allowed for mean are played_seconds, tempo"),
        ({"function": "approx_distinct", "value": "tempo"}, "for approx_distinct are user, song, genre"),
        ({"value": "tempo"}, "value = 'tempo': only for sum, mean and approx_distinct"),
        ({"feedback": ["love"]}, "aggregate.feedback.0 = 'love': Input should be 'like', 'share'"),
        ({"plays": "some"}, "aggregate.plays = 'some': Input should be 'all', 'active'"),
        ({"days": 7}, "aggregate.days: no such setting"),
    ],
)
def test_what_is_wrong_or_would_leak_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as failure:
        declare(**change)
    assert named in str(failure.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"source": "feed.plays"}, "source = aggregate needs aggregate"),
        ({"kind": "categorical"}, "kind = 'categorical': an aggregate is numeric"),
        ({"aggregate": None, "source": "aggregate", "kind": "numeric"}, "source = aggregate needs aggregate"),
        ({"aggregate": None, "source": "session.feedback", "kind": "numeric"}, "belongs to the propensity"),
        ({"aggregate": None, "source": "session.same_feedback"}, "Field required"),
        (
            {"aggregate": None, "source": "session.same_feedback", "kind": "numeric"},
            "source = 'session.same_feedback': allowed after session.same_ are user, song, genre",
        ),
    ],
)
def test_the_rest_of_the_declaration_has_to_fit(change: dict[str, Any], named: str) -> None:
    aggregate = {"entity": ["user"], "function": "count", "windows": [7]}
    feature = {"name": "plays", "role": "both", "aggregate": aggregate, **change}
    with pytest.raises(ConfigError) as failure:
        parse_config({"features": [GENRE, feature]})
    assert named.replace("Field required", "must be set") in str(failure.value)
