"""AUC, reliability and calibration error against scikit-learn and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from uae_model.report.facts import ReliabilityBin
from uae_model.report.recovery import ScoreCounts, calibration_error, recovery, reliability, roc_auc


def integers(*values: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def counts(bins: list[int], active: list[bool], attended: list[int], scores: list[float]) -> ScoreCounts:
    return ScoreCounts(
        bin_K=np.array(bins, dtype=np.int64),
        is_active_K=np.array(active, dtype=bool),
        plays_K=np.ones(len(bins), dtype=np.int64),
        attended_K=np.array(attended, dtype=np.int64),
        score_sum_K=np.array(scores),
    )


def test_auc_by_hand() -> None:
    # scores 1 < 2 < 3; positives at 2, 3, negatives at 1, 2: pairs won 1+0.5 and 1+1, of 4
    auc, error = roc_auc(integers(0, 1, 1), integers(1, 1, 0))
    assert auc == pytest.approx(3.5 / 4)
    assert error == pytest.approx(0.5 / 4)


@pytest.mark.parametrize("positives", [(0, 0), (2, 3)])
def test_auc_needs_both_classes(positives: tuple[int, int]) -> None:
    negatives = (1, 1) if positives == (0, 0) else (0, 0)
    assert roc_auc(integers(*positives), integers(*negatives)) == (None, 0.0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=10))
def test_auc_equals_scikit_learn_with_ties(cells: list[tuple[int, int, int]]) -> None:
    positives, negatives = np.zeros(10, dtype=np.int64), np.zeros(10, dtype=np.int64)
    for score, attended, missed in cells:
        positives[score] += attended
        negatives[score] += missed
    if positives.sum() == 0 or negatives.sum() == 0:
        assert roc_auc(positives, negatives)[0] is None
        return
    scores = np.concatenate([np.repeat(np.arange(10), positives), np.repeat(np.arange(10), negatives)])
    labels = np.concatenate([np.ones(positives.sum()), np.zeros(negatives.sum())])
    assert roc_auc(positives, negatives)[0] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_binned_auc_lies_within_its_stated_error() -> None:
    generator = np.random.default_rng(5)
    score = generator.beta(2, 5, 4000)
    attended = generator.random(4000) < score
    index = np.floor(score * 50).astype(int)
    auc, error = roc_auc(
        np.bincount(index[attended], minlength=50), np.bincount(index[~attended], minlength=50)
    )
    assert auc is not None
    assert 0 < error < 0.05
    assert abs(auc - roc_auc_score(attended, score)) <= error


def test_reliability_groups_by_hand() -> None:
    # 20 plays in 20 bins: pairs form the ten groups
    plays = np.ones(20, dtype=np.int64)
    attended = integers(*[0] * 10, *[1] * 10)
    bins = reliability(plays, attended, np.arange(20) / 20)
    assert [group.plays for group in bins] == [2] * 10
    assert bins[0].mean_estimated == pytest.approx(0.025)
    assert [group.share_attended for group in bins] == [0.0] * 5 + [1.0] * 5


def test_a_score_that_many_plays_share_stays_in_one_group() -> None:
    bins = reliability(integers(50, 1), integers(10, 1), np.array([5.0, 0.9]))
    assert bins == (ReliabilityBin(50, 0.1, 0.2), ReliabilityBin(1, 0.9, 1.0))


def test_calibration_error_weighs_groups_by_plays() -> None:
    bins = (ReliabilityBin(3, 0.5, 0.25), ReliabilityBin(1, 0.5, 1.0))
    assert calibration_error(bins) == pytest.approx((3 * 0.25 + 0.5) / 4)


def test_recovery_of_passive_plays_leaves_active_ones_out() -> None:
    estimated = counts([1, 2, 2, 9], [False, False, True, True], [0, 1, 1, 1], [0.1, 0.2, 0.2, 0.9])
    true = counts([5, 4, 4, 9], [False, False, True, True], [0, 1, 1, 1], [0.5, 0.4, 0.4, 0.9])
    passive = recovery(estimated.passive_only(), true.passive_only())
    everything = recovery(estimated, true)
    assert passive is not None
    assert (passive.plays, passive.attended, passive.auc) == (2, 1, 1.0)
    assert passive.share_attended == 0.5
    assert passive.mean_attention == pytest.approx(0.15)
    assert passive.true_attention_auc == 0.0  # the order of the true scores is the other way round here
    assert everything is not None
    assert (everything.plays, everything.attended) == (4, 3)


def test_recovery_without_plays_is_none() -> None:
    empty = counts([], [], [], [])
    assert recovery(empty, empty) is None
