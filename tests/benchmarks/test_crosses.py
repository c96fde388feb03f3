"""The benchmark of crosses: aggregates of the days before, figures in pairs, claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from benchmarks.crosses import cases
from benchmarks.crosses.cases import CrossesCase, measure
from benchmarks.crosses.history import build_features, plays_with_aggregates, write_events
from benchmarks.crosses.tables import Pair, claims, tables
from benchmarks.crosses.worlds import (
    CROSSES,
    DAYS,
    HISTORY_DAYS,
    IDS,
    PLAIN,
    config_of,
    narrowed,
    with_features,
)
from benchmarks.estimators.simulated import simulate_plays
from uae_model.simulation.catalog import POSITIVE_FEEDBACK
from uae_model.simulation.listening import draw_plays
from uae_model.simulation.traits import artist_of
from uae_model.simulation.world import Block, World

WORLD = World(users=25, songs=40, days=DAYS, attention_intercept=1.0, propensity_intercept=-0.5)
CONFIG = config_of(1)


def test_the_crosses_are_declared_after_the_plain_features() -> None:
    assert [f.name for f in CONFIG.features] == [*PLAIN, *CROSSES]
    assert {f.role for f in CONFIG.features.of_origin("aggregate")} == {"preference"}
    chosen = with_features(CONFIG, (*IDS, *CROSSES[:2]))
    plays = simulate_plays(WORLD, [0], with_features(CONFIG, PLAIN))
    fewer = narrowed(plays, with_features(CONFIG, PLAIN), ("artist", "song_popularity"))
    assert [f.name for f in chosen.features] == [*IDS, *CROSSES[:2]]
    assert fewer.categorical_NF.shape == fewer.numeric_NF.shape == (plays.plays, 1)
    names = [f.name for f in CONFIG.features.categorical]
    assert np.array_equal(fewer.categorical_NF[:, 0], plays.categorical_NF[:, names.index("artist")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    """Return a folder with the aggregates of the tiny world's last days, as a run would leave it."""
    place = tmp_path_factory.mktemp("crosses") / "dislikes-1-25" / "history"
    place.mkdir(parents=True)
    days = range(HISTORY_DAYS, DAYS)
    write_events(place, WORLD, days)
    build_features(spark, place, WORLD, days, CONFIG)
    (place / "_COMPLETE").touch()
    return place.parent


def test_a_play_sees_the_likes_of_its_user_and_artist_on_whole_days_before_its_own(folder: Path) -> None:
    day = HISTORY_DAYS + 2
    (encoded,) = plays_with_aggregates(WORLD, [day], CONFIG, folder / "history")
    column = [f.name for f in CONFIG.features.numeric].index("user_artist_likes")
    likes: dict[tuple[int, int, int], int] = {}
    for earlier in range(DAYS):
        plays = draw_plays(WORLD, Block(earlier, 0))
        artist_N = artist_of(WORLD, plays.song_N)
        liked_N = np.isin(plays.feedback_N, POSITIVE_FEEDBACK)
        for user, artist, start_ms in zip(
            plays.user_N[liked_N], artist_N[liked_N], plays.start_ms_N[liked_N], strict=True
        ):
            key = (int(user), int(artist), earlier + int(start_ms) // 86_400_000)
            likes[key] = likes.get(key, 0) + 1
    plays = draw_plays(WORLD, Block(day, 0))
    first_N = np.append(True, plays.session_N[1:] != plays.session_N[:-1])
    starts_S = plays.start_ms_N[first_N] // 86_400_000
    session_day_N = day + starts_S[np.cumsum(first_N) - 1]
    expected = [
        sum(likes.get((user, artist, session - back), 0) for back in range(1, HISTORY_DAYS + 1))
        for user, artist, session in zip(
            plays.user_N.tolist(),
            artist_of(WORLD, plays.song_N).tolist(),
            session_day_N.tolist(),
            strict=True,
        )
    ]
    assert sum(expected) > 0
    np.testing.assert_allclose(np.expm1(encoded.numeric_NF[:, column]), expected, atol=1e-4)


def test_a_case_measures_both_sets_of_features_on_the_same_plays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "world_of", lambda *_: WORLD)
    result = measure(CrossesCase("dislikes", 1, 25), folder.parent)
    assert result["judged_plays"] == len(draw_plays(WORLD, Block(DAYS - 1, 0)).user_N)
    for weighting in ("none", "auto"):
        figures = result["recommender"][weighting]
        assert figures["with"]["mean_passive_weight"] == figures["without"]["mean_passive_weight"]
        assert figures["with"]["true_relevance.auc"] != figures["without"]["true_relevance.auc"]
    assert result["chain"]["with"]["nll"] != result["chain"]["without"]["nll"]
    assert "| auc_p of the chain |" in tables([result])["crosses-dislikes"]


def case_of(seed: int, without: float, with_crosses: float, auc_p: float) -> dict[str, Any]:
    recommender = {
        "without": {"true_relevance.auc": without},
        "with": {"true_relevance.auc": with_crosses},
    }
    return {
        "case": {"law": "dislikes", "seed": seed, "users": 25},
        "recommender": dict.fromkeys(("none", "auto", "active_only"), recommender),
        "chain": {"without": {"auc_p": 0.8, "nll": 0.3}, "with": {"auc_p": auc_p, "nll": 0.3}},
    }


def test_claims_hold_and_fail_as_they_are_measured() -> None:
    good = [case_of(seed, 0.55, 0.58 + seed / 1000, 0.799) for seed in (1, 2, 3)]
    assert [claim.holds for claim in claims(good)] == [True, True, True]
    unsure = [case_of(seed, 0.55, 0.5 + seed / 20, 0.797) for seed in (1, 2, 3)]
    assert [claim.holds for claim in claims(unsure)] == [False, False, False]
    assert "- FAILS: feedback comes from disliking: auc_p of the chain" in tables(unsure)["crosses-claims"]


def test_a_pair_of_one_seed_raises_nothing() -> None:
    pair = Pair("AUC", (0.5,), (0.6,))
    assert pair.p_value is None
    assert not pair.raised
    assert pair.row() == ["AUC", "0.500 ± 0.000", "0.600 ± 0.000", "+0.1000", ""]
