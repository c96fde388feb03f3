"""The held-out metrics, by hand on a few plays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.training_builders import evaluated
from uae_model.models.batch import SessionBatch, length_mask

Play = tuple[float, float, float]
"""Feedback e, predicted attention, predicted propensity."""


def case(*sessions: Sequence[Play], steps: int = 4) -> tuple[SessionBatch, Tensor, Tensor]:
    """Return a batch with its predictions; padding is active and predicted at random: it must not count."""
    torch.manual_seed(0)
    feedback_BT = torch.ones(len(sessions), steps)
    alpha_BT, p_BT = torch.rand(len(sessions), steps), torch.rand(len(sessions), steps)
    for row, session in enumerate(sessions):
        for step, (e, alpha, p) in enumerate(session):
            feedback_BT[row, step], alpha_BT[row, step], p_BT[row, step] = e, alpha, p
    batch = SessionBatch(
        torch.zeros(len(sessions), steps, 1, dtype=torch.int64),
        torch.zeros(len(sessions), steps, 0),
        feedback_BT,
        length_mask(torch.tensor([len(session) for session in sessions]), steps),
    )
    return batch, alpha_BT, p_BT


def test_means_run_over_the_real_plays_of_all_batches() -> None:
    metrics = evaluated(
        [
            case([(1, 0.5, 0.8), (0, 0.5, 0.2)], [(0, 0.9, 0.5)]),
            case([(0, 0.2, 0.5)], steps=1),
        ]
    )
    # P(e = 1) of the four plays is 0.4, 0.1, 0.45, 0.1; only the first is active.
    assert metrics["nll"] == pytest.approx(
        -(math.log(0.4) + math.log(0.9) + math.log(0.55) + math.log(0.9)) / 4
    )
    assert metrics["nll"] == pytest.approx(0.43121, abs=1e-5)
    assert metrics["base_rate_nll"] == pytest.approx(-(math.log(0.25) + 3 * math.log(0.75)) / 4)
    assert metrics["base_rate_nll"] == pytest.approx(0.56234, abs=1e-5)
    assert (metrics["sessions"], metrics["plays"]) == (3, 4)


def test_how_plays_are_split_into_batches_changes_nothing() -> None:
    sessions = [[(1.0, 0.3, 0.9), (0.0, 0.6, 0.1)], [(0.0, 0.4, 0.4)], [(1.0, 0.7, 0.7)] * 3]
    together = evaluated([case(*sessions)])
    apart = evaluated([case(session, steps=3 + i) for i, session in enumerate(sessions)])
    assert apart == pytest.approx(together)


def test_the_true_rate_everywhere_is_as_good_as_the_base_rate() -> None:
    plays = [(float(i == 0), 0.5, 0.4) for i in range(5)]  # one of five is active, 0.5 * 0.4 is 0.2
    metrics = evaluated([case(plays, steps=8)])
    assert metrics["nll"] == pytest.approx(metrics["base_rate_nll"], rel=1e-6)


@pytest.mark.parametrize(("feedback", "probability"), [(1.0, 0.25), (0.0, 0.75)])
def test_all_active_or_all_passive(feedback: float, probability: float) -> None:
    metrics = evaluated([case([(feedback, 0.5, 0.5), (feedback, 0.25, 1.0)])])
    assert metrics["base_rate_nll"] == 0  # the constant is always right
    assert metrics["nll"] == pytest.approx(-math.log(probability))


@pytest.mark.parametrize(("feedback", "alpha"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_certain_error_is_bad_but_finite(feedback: float, alpha: float) -> None:
    nll = evaluated([case([(feedback, alpha, 1.0)])])["nll"]
    assert nll == pytest.approx(-math.log(1e-7), rel=1e-3)


def test_no_number_is_not_hidden() -> None:
    assert math.isnan(evaluated([case([(1, float("nan"), 0.5), (0, 0.5, 0.5)])])["nll"])


def test_without_plays_there_is_nothing_but_counts() -> None:
    metrics = evaluated([])
    assert (metrics["sessions"], metrics["plays"]) == (0, 0)
    assert "nll" not in metrics
