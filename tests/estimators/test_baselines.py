"""EDM, NDB, PN, SAR-EM and the joint likelihood on tiny sequences, by hand; what every estimator shares."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.training_builders import SHAPE, batch_of, small_sessions, training_settings
from uae_model.estimators import ESTIMATORS, Estimator
from uae_model.estimators.ndb import after_passive_run
from uae_model.models.attention_chain import ChainLaw
from uae_model.models.batch import SessionBatch
from uae_model.models.networks import CertainPropensity, DecayingAttention, Inputs
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup

RANKS = ProcessGroup()
ROLES = replace(SHAPE, attention_inputs=Inputs((0,), (0,)), propensity_inputs=Inputs((1,), (1,)))


def estimator(name: str, seed: int = 0, stickiness: float = 0.0, **changes: Any) -> Estimator:
    torch.manual_seed(seed)
    settings = training_settings(**changes)
    return ESTIMATORS[name](ROLES, settings, (0.0, 0.0), (1.0, 1.0), law=ChainLaw(stickiness))


def batch_with(feedback: list[float]) -> SessionBatch:
    batch = batch_of(small_sessions([len(feedback)], seed=3))
    return replace(batch, feedback_BT=torch.tensor([feedback]))


def weights_of(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def changed(before: dict[str, Tensor], network: torch.nn.Module) -> bool:
    return any(not torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_edm_halves_from_the_last_active_play() -> None:
    network = DecayingAttention(replace(SHAPE, half_life=1.0))
    logits_BT, _ = network(batch_with([0, 0, 1, 0, 0, 0]))
    # The third play is active, so the fourth is one step after it; before, the session's start counts.
    expected = [1 / 2, 1 / 4, 1 / 8, 1 / 2, 1 / 4, 1 / 8]
    assert logits_BT.sigmoid()[0].tolist() == pytest.approx(expected)


def test_edm_stays_finite_in_a_very_long_session() -> None:
    logits_BT, _ = DecayingAttention(replace(SHAPE, half_life=1.0))(batch_with([0.0] * 2000))
    assert logits_BT.isfinite().all()


def test_ndb_samples_negatives_after_a_passive_run() -> None:
    feedback_BT = torch.tensor([[1.0, 0, 0, 0, 1, 0, 0, 0]])
    # Runs of two: the plays whose two predecessors exist and were passive.
    expected = [False, False, False, True, True, False, False, True]
    assert after_passive_run(feedback_BT, run=2)[0].tolist() == expected
    passive_BT = torch.zeros(1, 12)
    assert after_passive_run(passive_BT)[0].tolist() == [False] * 10 + [True] * 2


def test_ndb_risk_is_equation_5() -> None:
    model = estimator("ndb")
    batch = batch_with([1.0] + [0.0] * 11)
    with torch.no_grad():
        alpha = model.attention(batch)[0].double().sigmoid()[0]
    # Active: the first; sampled negatives: the one play whose ten predecessors were passive; 12 plays in all.
    expected = -(alpha[0].log() + (1 - alpha[11]).log()) / 12
    assert model.train_step(batch, RANKS)["attention_risk"] == pytest.approx(expected.item(), rel=1e-5)


def test_pn_risk_is_equation_4_and_its_propensity_is_one() -> None:
    model = estimator("pn")
    batch = batch_with([1.0, 0.0, 0.0])
    with torch.no_grad():
        alpha = model.attention(batch)[0].double().sigmoid()[0]
    expected = -(alpha[0].log() + (1 - alpha[1]).log() + (1 - alpha[2]).log()) / 3
    assert model.train_step(batch, RANKS)["attention_risk"] == pytest.approx(expected.item(), rel=1e-5)
    assert isinstance(model.propensity, CertainPropensity)
    prediction = model.pair().predict(batch, "prediction")
    assert prediction.propensity_BT.min().item() == pytest.approx(1.0, abs=1e-6)
    active_BT = prediction.attention["prediction"] * prediction.propensity_BT
    assert prediction.log_likelihood_BT[0, 1].exp().item() == pytest.approx(
        1 - active_BT[0, 1].item(), abs=1e-6
    )


def test_sar_expects_attention_by_bayes() -> None:
    model = estimator("sar")
    batch = batch_with([1.0, 0.0])
    with torch.no_grad():
        alpha, p = (logits_BT.double().sigmoid()[0] for logits_BT in model.pair().logits(batch))
    gamma = [1.0, (alpha[1] * (1 - p[1]) / (1 - alpha[1] * p[1])).item()]
    attention = -(alpha[0].log() + gamma[1] * alpha[1].log() + (1 - gamma[1]) * (1 - alpha[1]).log()) / 2
    propensity = -(p[0].log() + gamma[1] * (1 - p[1]).log()) / 2
    metrics = model.train_step(batch, RANKS)
    assert metrics["attention_risk"] == pytest.approx(attention.item(), rel=1e-5)
    assert metrics["propensity_risk"] == pytest.approx(propensity.item(), rel=1e-5)


def test_sar_propensity_is_local() -> None:
    model = estimator("sar")
    first, second = batch_with([0.0, 0, 0]), batch_with([1.0, 1, 0])
    with torch.no_grad():
        torch.testing.assert_close(model.pair().logits(first)[1], model.pair().logits(second)[1])


def test_joint_loss_is_the_likelihood_of_the_product() -> None:
    model = estimator("joint")
    batch = batch_with([1.0, 0.0, 1.0])
    with torch.no_grad():
        alpha, p = (logits_BT.double().sigmoid()[0] for logits_BT in model.pair().logits(batch))
    active = alpha * p
    expected = -(active[0].log() + (1 - active[1]).log() + active[2].log()) / 3
    assert model.train_step(batch, RANKS)["nll"] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", ["joint", "chain"])
def test_roles_decide_what_each_network_sees(name: str) -> None:
    batch = batch_of(small_sessions([4], seed=1))
    other_context, other_preference = batch.numeric_BTF.clone(), batch.numeric_BTF.clone()
    other_context[..., 0] += 3
    other_preference[..., 1] += 3
    for roles in (True, False):
        pair = estimator(name, stickiness=0.5, feature_roles=roles).pair()
        with torch.no_grad():
            attention, propensity = pair.logits(batch)
            by_context = pair.logits(replace(batch, numeric_BTF=other_context))
            by_preference = pair.logits(replace(batch, numeric_BTF=other_preference))
        assert not torch.equal(by_context[0], attention)
        assert not torch.equal(by_preference[1], propensity)
        assert torch.equal(by_context[1], propensity) is roles
        assert torch.equal(by_preference[0], attention) is roles


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
class TestEveryEstimator:
    def test_a_step_trains_what_it_has_and_pads_nothing(self, name: str) -> None:
        sessions = small_sessions([2, 12, 3], seed=6)
        plain, padded = estimator(name, stickiness=0.3), estimator(name, stickiness=0.3)
        before = weights_of(plain.attention), weights_of(plain.propensity)
        for _ in range(2):
            expected = plain.train_step(batch_of(sessions), RANKS)
            metrics = padded.train_step(batch_of(sessions, steps=30), RANKS)
            assert metrics == pytest.approx(expected, abs=1e-6)
        assert changed(before[0], plain.attention) is (name != "edm")
        assert changed(before[1], plain.propensity) is (name != "pn")

    def test_its_state_goes_on_where_it_was(self, name: str) -> None:
        batch = batch_of(small_sessions([4, 11]))
        model, other = estimator(name), estimator(name, seed=9)
        model.train_step(batch, RANKS)
        other.load_state(copy.deepcopy(model.state()))
        assert other.train_step(batch, RANKS) == model.train_step(batch, RANKS)

    def test_a_stored_pair_predicts_the_same(self, name: str) -> None:
        batch = batch_of(small_sessions([4, 11]))
        pair = estimator(name, stickiness=0.4 if "chain" in name else 0.0).pair()
        again = NetworkPair.from_state(copy.deepcopy(pair.to_state()))
        assert again.traits == pair.traits
        for kind in ("prediction", "filtered", "smoothed"):
            expected, reloaded = pair.predict(batch, kind), again.predict(batch, kind)
            torch.testing.assert_close(reloaded.attention[kind], expected.attention[kind], rtol=0, atol=0)

    @pytest.mark.parametrize("feedback", [[0.0], [1.0], [1.0] * 15, [0.0] * 40])
    def test_short_uniform_and_long_sessions_are_defined(self, name: str, feedback: list[float]) -> None:
        batch = batch_with(feedback)
        model = estimator(name, stickiness=0.4 if "chain" in name else 0.0)
        metrics = model.train_step(batch, RANKS)
        assert all(value == value and abs(value) < 1e6 for value in metrics.values())
        prediction = model.pair().predict(batch, "prediction", "filtered", "smoothed")
        for attention_BT in prediction.attention.values():
            assert ((attention_BT >= 0) & (attention_BT <= 1)).all()
        assert (prediction.attention["smoothed"][batch.feedback_BT > 0] == 1).all()
        assert prediction.log_likelihood_BT.isfinite().all()


def test_learning_rates_are_scaled_from_the_configured_ones() -> None:
    settings = training_settings(learning_rate_attention=4e-3, learning_rate_propensity=2e-3)
    estimator = ESTIMATORS["joint"](SHAPE, settings, [0.0, 0.0], [1.0, 1.0])
    for factor in (0.5, 0.25):  # the second factor is not on top of the first
        estimator.scale_learning_rates(factor)
        state: Any = estimator.state()
        rates = [state[f"{name}_optimizer"]["param_groups"][0]["lr"] for name in ("attention", "propensity")]
        assert rates == [4e-3 * factor, 2e-3 * factor]
