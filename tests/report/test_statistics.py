"""Every statistic of the report on tables small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.metrics import roc_auc_score

from uae_model.report.facts import LAST_POSITION, PatternRate, Rate
from uae_model.report.statistics import (
    HISTOGRAM_BINS,
    compare_with_truth,
    feedback_history,
    passive_histograms,
    position_counts,
    user_count,
)

WEIGHTS = (
    "event_id string, user_id string, session_id string, position int, is_active boolean, "
    "attention double, sample_weight double"
)


def plays(spark: SparkSession, **sessions: str) -> DataFrame:
    """Return one play for each letter, shuffled so that order must come from the position."""
    rows = [
        (name, position, letter == "a")
        for name, letters in sessions.items()
        for position, letter in enumerate(letters, start=1)
    ]
    return spark.createDataFrame(rows[::-1], "session_id string, position int, is_active boolean")


def weights(spark: SparkSession, rows: list[tuple[int, bool, float, float]]) -> DataFrame:
    """Return rows of (position, is_active, attention, sample_weight)."""
    full = [(f"e{i}", f"u{i % 2}", "s1", *row) for i, row in enumerate(rows)]
    return spark.createDataFrame(full, WEIGHTS)


def test_transitions_of_a_six_play_session(spark: SparkSession) -> None:
    # aappap: a>a, a>p, p>p, p>a, a>p; pa: p>a. Nothing follows from one session into another.
    history = feedback_history(plays(spark, s1="aappap", s2="pa"))
    assert history.overall == Rate(8, 4)
    assert history.after_active == Rate(3, 1)
    assert history.after_passive == Rate(3, 2)
    assert history.patterns == ()
    assert history.after_active.share == pytest.approx(1 / 3)


def test_patterns_of_the_last_six_plays_read_oldest_first(spark: SparkSession) -> None:
    history = feedback_history(plays(spark, s1="apppppap", s2="apppppp", s3="ppppppp"))
    assert history.patterns == (
        PatternRate("appppp", Rate(2, 1)),
        PatternRate("pppppa", Rate(1, 0)),
        PatternRate("pppppp", Rate(1, 0)),
    )
    assert history.overall == Rate(22, 3)


def test_an_empty_table_has_no_rates(spark: SparkSession) -> None:
    history = feedback_history(plays(spark, s1=""))
    assert history.overall == Rate(0, 0)
    assert history.overall.share is None


def test_position_counts_put_late_plays_together(spark: SparkSession) -> None:
    rows = [(1, True, 0.9, 1.0), (1, False, 0.2, 0.5), (1, False, 0.4, 0.7), (2, True, 0.5, 1.0)]
    rows += [(LAST_POSITION, False, 0.1, 0.2), (LAST_POSITION + 7, False, 0.3, 0.4)]
    counts = position_counts(weights(spark, rows))
    assert [(count.position, count.rate) for count in counts] == [
        (1, Rate(3, 1)),
        (2, Rate(1, 1)),
        (LAST_POSITION, Rate(2, 0)),
    ]
    assert counts[0].mean_passive_attention == pytest.approx(0.3)
    assert counts[1].mean_passive_attention is None  # no passive play there
    assert counts[2].mean_passive_attention == pytest.approx(0.2)


def test_histograms_count_passive_plays_and_put_one_into_the_last_bin(spark: SparkSession) -> None:
    rows = [(1, False, 0.0, 0.0), (2, False, 0.026, 0.5), (3, False, 1.0, 0.99), (4, True, 0.6, 1.0)]
    attention, weight = passive_histograms(weights(spark, rows))
    expected = [0] * HISTOGRAM_BINS
    expected[0], expected[5], expected[-1] = 1, 1, 1
    assert list(attention.counts) == expected
    assert attention.mean == pytest.approx(1.026 / 3)
    assert weight.counts[100] == 1
    assert weight.total == 3


def test_histograms_of_no_passive_play(spark: SparkSession) -> None:
    attention, _ = passive_histograms(weights(spark, [(1, True, 0.5, 1.0)]))
    assert attention.total == 0
    assert attention.mean is None


def test_users_count_once(spark: SparkSession) -> None:
    assert user_count(weights(spark, [(1, True, 0.5, 1.0)] * 5)) == 2


def test_comparison_with_the_truth_agrees_with_scikit_learn(spark: SparkSession) -> None:
    generator = np.random.default_rng(11)
    attention = generator.beta(1, 4, 400)
    attention[:3] = [0.0, 1.0, 1.0]  # the ends of the scale have finite bins
    attended = generator.random(400) < attention
    active = attended & (generator.random(400) < 0.4)
    rows = [(i + 1, bool(active[i]), float(attention[i]), 0.5) for i in range(400)]
    truth = [(f"e{i}", bool(attended[i]), float(attention[i]) ** 2) for i in range(390)]
    frame = spark.createDataFrame(truth, "event_id string, attended boolean, attention double")
    comparison = compare_with_truth(weights(spark, rows), frame)
    assert (comparison.plays, comparison.known) == (400, 390)
    passive = ~active[:390]
    for group, chosen in ((comparison.passive, passive), (comparison.everything, np.ones(390, dtype=bool))):
        assert group is not None
        expected = roc_auc_score(attended[:390][chosen], attention[:390][chosen])
        assert group.auc is not None
        assert abs(group.auc - expected) <= group.auc_error + 1e-12
        assert group.auc_error < 1e-3
        # a square keeps the order
        assert group.true_attention_auc == pytest.approx(group.auc, abs=1e-3)
        assert (group.plays, group.attended) == (chosen.sum(), attended[:390][chosen].sum())
        assert group.mean_attention == pytest.approx(attention[:390][chosen].mean())
        assert sum(reliability_bin.plays for reliability_bin in group.bins) == group.plays


def test_a_truth_of_other_plays_matches_nothing(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("x", True, 0.5)], "event_id string, attended boolean, attention double")
    comparison = compare_with_truth(weights(spark, [(1, False, 0.5, 0.5)]), frame)
    assert comparison.known == 0
    assert comparison.passive is None
    assert comparison.everything is None
