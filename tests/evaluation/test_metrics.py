"""Ranking metrics, by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from uae_model.evaluation.metrics import auc, drawn_auc, grouped_auc, relative_improvement

# User 7: positives .9 and .3 against negatives .6 and .3: 1 + 1 + 0 + 1/2 of four pairs. User 8: one pair,
# won. User 9 has one class and counts nowhere, whatever its score.
LABEL = np.array([1, 0, 1, 0, 0, 1, 1])
SCORE = np.array([0.9, 0.6, 0.3, 0.3, 0.1, 0.2, 0.99])
USER = np.array([7, 7, 7, 7, 8, 8, 9])


def test_the_auc_counts_pairs_and_half_of_ties() -> None:
    assert auc(LABEL[:4], SCORE[:4]) == pytest.approx(2.5 / 4)


def test_users_weigh_as_much_as_they_clicked() -> None:
    assert grouped_auc(LABEL, SCORE, USER, "clicks") == pytest.approx((2 * 0.625 + 1 * 1.0) / 3)


def test_users_weigh_as_much_as_they_played() -> None:
    assert grouped_auc(LABEL, SCORE, USER, "rows") == pytest.approx((4 * 0.625 + 2 * 1.0) / 6)


def test_one_class_has_no_auc() -> None:
    assert math.isnan(auc(np.ones(3), SCORE[:3]))
    assert math.isnan(grouped_auc(np.ones(7), SCORE, USER, "clicks"))


def test_relative_improvement_is_that_of_the_paper() -> None:
    # Table IV, Product, FM: AUC 76.64 -> 76.77 is 0.49 %, GAUC 58.44 -> 58.79 is 4.15 %.
    assert relative_improvement(0.7677, 0.7664) == pytest.approx(0.49, abs=0.005)
    assert relative_improvement(0.5879, 0.5844) == pytest.approx(4.15, abs=0.005)


@pytest.mark.parametrize("base", [0.4, 0.5, 0.509, math.nan])
def test_nothing_is_relative_to_a_base_of_chance(base: float) -> None:
    assert math.isnan(relative_improvement(0.6, base))


rows = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 5)), min_size=1, max_size=60)


@given(rows, st.integers(0, 2**32 - 1))
def test_an_auc_of_draws_is_that_of_rows_drawn_so_often(rows: list[tuple[int, bool, int]], seed: int) -> None:
    _, label, score = (np.array(column) for column in zip(*rows, strict=True))
    counts = np.random.default_rng(seed).integers(0, 4, (len(rows), 3))
    expected = [auc(np.repeat(label, count), np.repeat(score, count)) for count in counts.T]
    np.testing.assert_allclose(drawn_auc(label, score, counts), expected)


@given(rows)
def test_scikit_learn_agrees(rows: list[tuple[int, bool, int]]) -> None:
    user, label, score = (np.array(column) for column in zip(*rows, strict=True))
    by_user = {
        u: (roc_auc_score(label[user == u], score[user == u]), label[user == u].sum())
        for u in np.unique(user)
        if 0 < label[user == u].sum() < (user == u).sum()
    }
    mine = grouped_auc(label, score.astype(float), user, "clicks")
    if not by_user:
        assert math.isnan(mine)
        return
    expected = sum(value * clicks for value, clicks in by_user.values())
    assert mine == pytest.approx(expected / sum(clicks for _, clicks in by_user.values()))
    assert auc(label, score) == pytest.approx(roc_auc_score(label, score))


@given(rows)
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[int, bool, int]]) -> None:
    user, label, score = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(0).permutation(len(user))
    first = grouped_auc(label, score, user, "rows")
    second = grouped_auc(label[order], score[order], user[order], "rows")
    assert first == pytest.approx(second, nan_ok=True)
