"""What speaks against a pair's attention, by hand and against scipy and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from tests.training.test_mean_attention import RHO, STEPS, FromFeatures, pair, sessions
from tests.training_builders import SHAPE
from uae_model.models.batch import SessionBatch
from uae_model.models.pair import NetworkPair, Traits
from uae_model.models.process_group import ProcessGroup
from uae_model.training.plausibility import doubts, evidence_auc, rank_correlation

ALONE = ProcessGroup()
FINE = {"validation_mean_attention": 0.3, "validation_mean_propensity": 0.3}


def test_evidence_is_the_auc_of_plays_beside_an_active_one() -> None:
    batch, _ = sessions(300, seed=4)
    active = batch.feedback_BT.numpy() > 0
    beside = np.zeros_like(active)
    beside[:, 1:] |= active[:, :-1]
    beside[:, :-1] |= active[:, 1:]
    passive = ~active
    expected = roc_auc_score(beside[passive], batch.numeric_BTF[..., 0].numpy()[passive])
    assert expected > 0.53
    auc, error = evidence_auc(pair(), [batch], ALONE)
    assert auc == pytest.approx(expected, abs=2e-3)
    counted = [(wanted & passive).any(axis=1).sum() for wanted in (beside, ~beside)]
    assert error == pytest.approx(math.sqrt(sum(1 / count for count in counted) / 12))
    against, _ = evidence_auc(pair(spread=-1.0), [batch], ALONE)
    assert against == pytest.approx(1 - expected, abs=2e-3)


def test_padding_is_no_evidence() -> None:
    batch, _ = sessions(50, seed=6)
    categorical_BTF, numeric_BTF = (
        torch.cat([tensor, tensor[:, :3]], dim=1) for tensor in (batch.categorical_BTF, batch.numeric_BTF)
    )
    feedback_BT = torch.cat([batch.feedback_BT, torch.ones(50, 3)], dim=1)
    mask_BT = torch.cat([batch.mask_BT, torch.zeros(50, 3, dtype=torch.bool)], dim=1)
    longer = SessionBatch(categorical_BTF, numeric_BTF, feedback_BT, mask_BT)
    assert evidence_auc(pair(), [longer], ALONE) == evidence_auc(pair(), [batch], ALONE)


def test_without_active_plays_there_is_no_evidence() -> None:
    batch, _ = sessions(5, seed=7)
    nothing = SessionBatch(batch.categorical_BTF, batch.numeric_BTF, torch.zeros(5, STEPS), batch.mask_BT)
    auc, _ = evidence_auc(pair(), [nothing], ALONE)
    assert math.isnan(auc)


def test_agreement_is_spearmans_correlation_over_passive_plays() -> None:
    batch, _ = sessions(300, seed=8)
    # The same attention from the other feature: a pair that has taken propensity for attention.
    other = NetworkPair(SHAPE, FromFeatures(1), FromFeatures(0), Traits("chain", RHO, "smoothed"))
    passive = batch.feedback_BT == 0
    first, second = (one.predict(batch).attention["smoothed"][passive] for one in (pair(), other))
    expected = spearmanr(first.numpy(), second.numpy()).statistic
    assert rank_correlation(pair(), other, [batch], ALONE) == pytest.approx(expected, abs=5e-3)
    assert rank_correlation(pair(), pair(), [batch], ALONE) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ({"validation_mean_propensity": 0.95}, "mean propensity is 0.950: the estimator has collapsed"),
        ({"attention_evidence": 0.467}, "attention runs against the feedback"),
        ({"runner_up_agreement": 0.3}, "the two best candidates give different weights"),
        ({"roles_doubt": 2.6}, "the declared roles of the features look wrong by 2.6 standard errors"),
    ],
)
def test_each_doubt_is_said(metrics: dict[str, float], sentence: str) -> None:
    (message,) = doubts({**FINE, **metrics})
    assert message.startswith(sentence)


def test_evidence_of_few_sessions_is_no_doubt() -> None:
    assert doubts({**FINE, "attention_evidence": 0.46, "attention_evidence_error": 0.08}) == []


def test_a_model_without_fault_raises_no_doubt() -> None:
    fine = {"attention_evidence": 0.7, "runner_up_agreement": 0.9, "roles_doubt": -3.0}
    assert doubts({**FINE, **fine}) == []
