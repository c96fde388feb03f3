"""What a simulated block delivers: the same rows for the same seed, one truth for every good row."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import pytest

from uae_model.config import load_config
from uae_model.core.errors import InputError
from uae_model.simulation.feed import CLEAN, Defects, feed_rows, truth_rows
from uae_model.simulation.world import Block, World

WORLD = World(users=400, days=3)
LAST = Block(2, 0)


def source_columns(profile: str) -> list[str]:
    config = load_config(None, profile=profile)
    return [feature.source_column for feature in config.features.of_origin("feed")]


FEATURES = source_columns("default")


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    first = feed_rows(WORLD, LAST, FEATURES, Defects())
    assert first.equals(feed_rows(WORLD, LAST, FEATURES, Defects()))
    assert not first.equals(feed_rows(World(users=400, days=3, seed=8), LAST, FEATURES, Defects()))


@pytest.mark.parametrize("defects", [CLEAN, Defects(0.05, 0.05, 0.05, bot_plays=30)])
def test_every_play_of_the_feed_has_one_truth(defects: Defects) -> None:
    rows = feed_rows(WORLD, LAST, FEATURES, defects)
    good = {name for name in rows["event_id"].to_pylist() if not name.startswith("bad-")}
    truth = truth_rows(WORLD, LAST, defects)["event_id"].to_pylist()
    assert len(truth) == len(set(truth))
    assert set(truth) == good


def test_plays_of_long_sessions_have_ids_of_their_own() -> None:
    world = World(users=400, days=3, longest_session=300, longest_session_hours=23.4, mean_log_length=4.0)
    names = feed_rows(world, LAST, ["screen_state"], CLEAN)["event_id"].to_pylist()
    lengths = pc.value_counts(truth_rows(world, LAST, CLEAN)["simulated_session"]).field("counts")
    assert pc.max(lengths).as_py() > 128
    assert len(names) == len(set(names))


def test_defects_come_in_their_shares() -> None:
    clean = feed_rows(WORLD, LAST, FEATURES, CLEAN)
    plays = clean.num_rows
    assert len(set(clean["event_id"].to_pylist())) == plays
    spoilt = feed_rows(WORLD, LAST, FEATURES, Defects(0.05, 0.0, 0.05, bot_plays=30))
    names = spoilt["event_id"].to_pylist()
    bad = sum(name.startswith("bad-") for name in names)
    # Both are binomial with about 4,000 draws: 0.05 within four standard deviations.
    assert bad / plays == pytest.approx(0.05, abs=0.015)
    assert (len(names) - len(set(names))) / plays == pytest.approx(0.05, abs=0.015)
    assert sum(name.startswith("bot-") for name in names) == 30


def test_an_active_play_was_attended_and_attention_is_a_probability() -> None:
    truth = truth_rows(WORLD, LAST, CLEAN)
    rows = feed_rows(WORLD, LAST, FEATURES, CLEAN)
    active = pc.not_equal(rows["feedback"], "auto_play")
    assert pc.all(pc.filter(truth["attended"], active)).as_py()
    assert pc.min_max(truth["attention"]).as_py()["min"] >= 0
    assert pc.min_max(truth["attention"]).as_py()["max"] <= 1
    assert set(truth["relevance"].to_pylist()) == {0, 1}


def test_profiles_have_the_features_that_were_asked_for() -> None:
    assert len(load_config(None).features) >= 12
    wide = load_config(None, profile="product44")
    assert len(wide.features) == 44
    rows = feed_rows(WORLD, LAST, source_columns("product44"), CLEAN)
    assert set(source_columns("product44")) < set(rows.column_names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stickiness", 0.99),
        ("users", 0),
        ("days", 0),
        ("longest_session", 0),
        ("silent_users", 1.0),
        ("accidents", -0.1),
        ("long_absence_from", 30),
    ],
)
def test_a_world_beyond_its_limits_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name} = {value}"):
        World(**{name: value})
