"""The paper's risks and Algorithm 1."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training_builders import SHAPE, batch_of, small_sessions, training_settings
from uae_model.estimators.uae import UnbiasedAttentionEstimator, risk_sums
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup

RANKS = ProcessGroup()
# A step of this size is lost in the rounding of single precision: the network stays as it is.
ATTENTION_RESTS: dict[str, Any] = {"learning_rate_attention": 1e-30}
PROPENSITY_RESTS: dict[str, Any] = {"learning_rate_propensity": 1e-30}


def estimator(seed: int = 0, **changes: Any) -> UnbiasedAttentionEstimator:
    torch.manual_seed(seed)
    return UnbiasedAttentionEstimator(SHAPE, training_settings(**changes), (0.0, 0.0), (1.0, 1.0))


def weights_of(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def test_risks_by_hand() -> None:
    # Three plays: active with divisor 0.5, passive, active with divisor 0.8; the fourth step is padding.
    share, divisor, active = [0.7, 0.2, 0.9], [0.5, 0.3, 0.8], [1.0, 0.0, 1.0]
    positive = sum(e / d * -math.log(s) for s, d, e in zip(share, divisor, active, strict=True))
    negative = sum((1 - e / d) * -math.log(1 - s) for s, d, e in zip(share, divisor, active, strict=True))
    sums = risk_sums(
        torch.tensor([[*active, 1.0]]),
        torch.tensor([[True, True, True, False]]),
        torch.tensor([[*(logit(s) for s in share), 4.0]]),
        torch.tensor([[*divisor, 0.01]]),
    )
    assert sums.positive.item() == pytest.approx(positive, abs=1e-6)
    assert sums.negative.item() == pytest.approx(negative, abs=1e-6)
    # The same in numbers: 2 * 0.35667 + 1.25 * 0.10536 and -1.20397 + 0.22314 - 0.25 * 2.30259.
    assert positive == pytest.approx(0.84505, abs=1e-4)
    assert negative == pytest.approx(-1.55648, abs=1e-4)


def test_losses_of_extreme_logits_are_finite() -> None:
    sums = risk_sums(
        torch.tensor([[1.0, 0.0]]),
        torch.ones(1, 2, dtype=torch.bool),
        torch.tensor([[-200.0, 200.0]]),
        torch.ones(1, 2),
    )
    assert sums.positive.item() == pytest.approx(200.0)
    assert sums.negative.item() == pytest.approx(200.0)


def reported_and_expected(clip: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Return one iteration's metrics and the same risks from plain Python on the networks' own outputs."""
    model = estimator(clip_risk=clip, propensity_steps=1, learning_rate_attention=0.05)
    batch = batch_of(small_sessions([3], seed=3))
    batch = SessionBatch(
        batch.categorical_BTF, batch.numeric_BTF, torch.tensor([[1.0, 0.0, 1.0]]), batch.mask_BT
    )

    def shares() -> tuple[list[float], list[float]]:
        with torch.no_grad():
            logits_BT, z1_BTH = model.attention(batch)
            p_BT = model.propensity(batch, z1_BTH).sigmoid()
            return logits_BT.sigmoid()[0].tolist(), p_BT[0].tolist()

    def risk(trained: list[float], frozen: list[float]) -> tuple[float, float]:
        rows = list(zip(trained, frozen, [1, 0, 1], strict=True))
        positive = sum(e / d * -math.log(s) for s, d, e in rows) / 3
        return positive, sum((1 - e / d) * -math.log(1 - s) for s, d, e in rows) / 3

    attention, propensity = shares()
    propensity_before = copy.deepcopy(model.propensity.state_dict())
    positive_a, negative_a = risk(attention, propensity)
    reported = model.train_step(batch, RANKS)
    # Eq. 17 divides by the attention AFTER its step (Algorithm 1), with the propensity of before.
    attended, _ = shares()
    # The propensity network has stepped as well: take its value of before from a twin.
    twin = estimator()
    twin.propensity.load_state_dict(propensity_before)
    with torch.no_grad():
        _, z1_BTH = model.attention(batch)
        before = twin.propensity(batch, z1_BTH).sigmoid()[0].tolist()
    positive_p, negative_p = risk(before, attended)
    expected = {
        "attention_risk": positive_a + (max(negative_a, 0.0) if clip else negative_a),
        "attention_clamped": float(clip and negative_a < 0),
        "propensity_risk": positive_p + (max(negative_p, 0.0) if clip else negative_p),
        "propensity_clamped": float(clip and negative_p < 0),
    }
    assert negative_a < 0  # two of three plays are active: the case that the clip is for
    return reported, expected


@pytest.mark.parametrize("clip", [True, False])
def test_reported_risks_are_eq_16_and_eq_17(clip: bool) -> None:
    reported, expected = reported_and_expected(clip)
    assert reported == pytest.approx(expected, abs=1e-5)


def test_the_clip_drops_the_gradient_of_the_negative_part() -> None:
    batch = batch_of(small_sessions([4, 4], seed=5, active_rate=5.0))
    clipped, free, positive_only = estimator(), estimator(clip_risk=False), estimator()
    assert clipped.train_step(batch, RANKS)["attention_clamped"] == 1.0
    assert free.train_step(batch, RANKS)["attention_clamped"] == 0.0
    logits_BT, z1_BTH = positive_only.attention(batch)
    p_BT = positive_only.propensity(batch, z1_BTH).sigmoid().detach()
    sums = risk_sums(batch.feedback_BT, batch.mask_BT, logits_BT, p_BT)
    assert sums.negative.item() < 0
    torch.autograd.backward(sums.positive / batch.plays)
    expected, with_clip, without = (
        model.attention.get_parameter("mlp.0.weight").grad for model in (positive_only, clipped, free)
    )
    assert expected is not None
    assert without is not None
    torch.testing.assert_close(with_clip, expected)
    assert not torch.allclose(without, expected)


def test_no_clamp_where_the_negative_part_is_positive() -> None:
    passive = batch_of(small_sessions([4, 4], active_rate=0.0))
    passive = SessionBatch(passive.categorical_BTF, passive.numeric_BTF, torch.zeros(2, 4), passive.mask_BT)
    metrics = estimator().train_step(passive, RANKS)
    assert metrics["attention_clamped"] == metrics["propensity_clamped"] == 0.0
    assert metrics["attention_risk"] > 0


def test_clip_rate_and_risk_are_means_over_the_steps() -> None:
    # Three propensity steps; at this rate the last is clamped and the first is not.
    batch = batch_of(small_sessions([5, 5, 5], seed=8, active_rate=0.2))
    settings: dict[str, Any] = {"learning_rate_propensity": 0.3, "clip_risk": True, **ATTENTION_RESTS}
    together = estimator(2, propensity_steps=3, **settings)
    one_by_one = estimator(2, propensity_steps=1, **settings)
    steps = [one_by_one.train_step(batch, RANKS) for _ in range(3)]
    metrics = together.train_step(batch, RANKS)
    for name in ("propensity_risk", "propensity_clamped"):
        assert metrics[name] == pytest.approx(sum(step[name] for step in steps) / 3)
    assert len({step["propensity_risk"] for step in steps}) == 3
    assert 0 < metrics["propensity_clamped"] < 1


@pytest.mark.parametrize(
    ("rests", "trained", "resting"),
    [
        (ATTENTION_RESTS, "propensity", "attention"),
        (PROPENSITY_RESTS, "attention", "propensity"),
    ],
)
def test_each_step_trains_its_own_network_only(rests: dict[str, Any], trained: str, resting: str) -> None:
    # How many steps each network takes is counted below; here, that no other step moves it.
    model = estimator(**rests)
    before = {name: weights_of(getattr(model, name)) for name in ("attention", "propensity")}
    model.train_step(batch_of(small_sessions([4, 2, 5])), RANKS)
    assert same(weights_of(getattr(model, resting)), before[resting])
    for name, parameter in getattr(model, trained).named_parameters():
        assert not torch.equal(parameter, before[trained][name]), name


def test_statistics_of_features_are_not_trained() -> None:
    model = estimator()
    model.train_step(batch_of(small_sessions([4, 2])), RANKS)
    assert model.attention.get_buffer("encoder.numeric_mean").tolist() == [0.0, 0.0]
    assert "encoder.numeric_mean" not in dict(model.attention.named_parameters())


@pytest.mark.parametrize(("attention_steps", "propensity_steps"), [(1, 2), (3, 1)])
def test_steps_per_iteration(attention_steps: int, propensity_steps: int) -> None:
    model = estimator(attention_steps=attention_steps, propensity_steps=propensity_steps)
    for _ in range(2):
        model.train_step(batch_of(small_sessions([3, 3])), RANKS)
    state: Any = model.state()
    assert state["attention_optimizer"]["state"][0]["step"].item() == 2 * attention_steps
    assert state["propensity_optimizer"]["state"][0]["step"].item() == 2 * propensity_steps


def test_default_iteration_is_the_papers() -> None:
    from uae_model.config.model_sections import TrainingSettings

    assert (TrainingSettings().attention_steps, TrainingSettings().propensity_steps) == (1, 2)


def test_padding_counts_nowhere() -> None:
    sessions = small_sessions([2, 5, 3], seed=6)
    short, padded = batch_of(sessions), batch_of(sessions, steps=40)
    noisy = SessionBatch(
        padded.categorical_BTF,
        padded.numeric_BTF,
        torch.where(padded.mask_BT, padded.feedback_BT, 1.0),
        padded.mask_BT,
    )
    plain, first, second = estimator(), estimator(), estimator()
    for _ in range(3):
        expected = plain.train_step(short, RANKS)
        assert first.train_step(padded, RANKS) == pytest.approx(expected, abs=1e-6)
        assert second.train_step(noisy, RANKS) == pytest.approx(expected, abs=1e-6)


def test_small_probabilities_are_floored() -> None:
    model = estimator(propensity_floor=0.25, clip_risk=False)
    with torch.no_grad():
        *_, bias = model.propensity.get_submodule("mlp").parameters()
        bias.fill_(-50.0)
    batch = batch_of(small_sessions([1]))
    batch = SessionBatch(batch.categorical_BTF, batch.numeric_BTF, torch.ones(1, 1), batch.mask_BT)
    with torch.no_grad():
        share = model.attention(batch)[0].sigmoid().item()
    metrics = model.train_step(batch, RANKS)
    assert metrics["attention_risk"] == pytest.approx(
        4 * -math.log(share) - 3 * -math.log(1 - share), abs=1e-5
    )


def test_state_goes_on_where_it_was() -> None:
    batch = batch_of(small_sessions([4, 2, 5]))
    model, other = estimator(), estimator(seed=9)
    model.train_step(batch, RANKS)
    other.load_state(copy.deepcopy(model.state()))  # a file is a copy too
    for _ in range(2):
        assert other.train_step(batch, RANKS) == model.train_step(batch, RANKS)
    assert same(weights_of(other.attention), weights_of(model.attention))
    assert same(weights_of(other.propensity), weights_of(model.propensity))


def redrawn_risks(redraws: int = 4000) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]:
    """Return Eq. 16 with the true propensity, PN (Eq. 4), each by redraw, and the ideal risk (Eq. 3).

    One session of 12 plays; p_t depends on e_{t-1} (0.3 after a passive, 0.8 after an active play).
    """
    random = np.random.default_rng(11)
    steps = 12
    attention_T = random.uniform(0.1, 0.9, steps)
    guess_T = random.uniform(0.05, 0.95, steps)  # alpha^, any fixed guess
    positive_T, negative_T = -np.log(guess_T), -np.log(1 - guess_T)
    ideal = float(np.mean(attention_T * positive_T + (1 - attention_T) * negative_T))
    feedback_RT, propensity_RT = np.zeros((redraws, steps)), np.zeros((redraws, steps))
    last_R = np.zeros(redraws)
    for t in range(steps):
        propensity_RT[:, t] = np.where(last_R == 1, 0.8, 0.3)
        attended_R = random.random(redraws) < attention_T[t]
        last_R = (attended_R & (random.random(redraws) < propensity_RT[:, t])).astype(float)
        feedback_RT[:, t] = last_R
    logits_RT = torch.from_numpy(np.log(guess_T / (1 - guess_T))).expand(redraws, steps)
    risks_of_both = []
    for divisor_RT in (propensity_RT, np.ones_like(propensity_RT)):
        per_redraw = [
            risk_sums(
                torch.from_numpy(feedback_RT[i]),
                torch.ones(steps, dtype=torch.bool),
                logits_RT[i],
                torch.from_numpy(divisor_RT[i]),
            )
            for i in range(redraws)
        ]
        risks_of_both.append(
            np.array([(sums.positive + sums.negative).item() / steps for sums in per_redraw])
        )
    return risks_of_both[0], risks_of_both[1], ideal


def test_theorem_1_the_attention_risk_is_unbiased_and_pn_is_not() -> None:
    unbiased_R, pn_R, ideal = redrawn_risks()

    def z(risks_R: np.ndarray[Any, Any]) -> float:
        return float((risks_R.mean() - ideal) / (risks_R.std(ddof=1) / math.sqrt(len(risks_R))))

    assert abs(z(unbiased_R)) < 3.5  # a false alarm once in 2,000 seeds
    assert abs(z(pn_R)) > 20


def test_networks_that_take_turns_by_the_pass_train_one_a_pass() -> None:
    model = estimator(alternate="pass", attention_steps=1, propensity_steps=2)
    assert model.passes == 3
    assert estimator(attention_steps=1, propensity_steps=2).passes == 1
    batch = batch_of(small_sessions([4, 2, 5]))
    for number, (trained, resting) in enumerate(
        [("attention", "propensity"), ("propensity", "attention"), ("propensity", "attention")]
    ):
        model.start_pass(number)
        before = {name: weights_of(getattr(model, name)) for name in (trained, resting)}
        metrics = model.train_step(batch, RANKS)
        assert set(metrics) == {f"{trained}_risk", f"{trained}_clamped"}
        assert same(weights_of(getattr(model, resting)), before[resting])
        assert not same(weights_of(getattr(model, trained)), before[trained])


def test_the_forms_of_the_clip() -> None:
    batch = batch_of(small_sessions([4, 4], seed=5, active_rate=5.0))
    reference = estimator()
    logits_BT, z1_BTH = reference.attention(batch)
    p_BT = reference.propensity(batch, z1_BTH).sigmoid().detach()
    sums = risk_sums(batch.feedback_BT, batch.mask_BT, logits_BT, p_BT)
    positive, negative = sums.positive / batch.plays, sums.negative / batch.plays
    assert negative.item() < 0 < (positive + negative).item()
    ascent, whole, free = (
        estimator(clip_form="ascent"),
        estimator(clip_form="whole"),
        estimator(clip_risk=False),
    )
    metrics = {name: model.train_step(batch, RANKS) for name, model in (("up", ascent), ("whole", whole))}
    free.train_step(batch, RANKS)
    assert metrics["up"]["attention_clamped"] == 1.0
    assert metrics["up"]["attention_risk"] == pytest.approx(positive.item(), abs=1e-6)
    # The whole risk is above zero here: nothing is clipped.
    assert metrics["whole"]["attention_clamped"] == 0.0
    assert metrics["whole"]["attention_risk"] == pytest.approx((positive + negative).item(), abs=1e-6)
    torch.autograd.backward(-negative)
    upwards, up, kept, unclipped = (
        model.attention.get_parameter("mlp.0.weight").grad for model in (reference, ascent, whole, free)
    )
    torch.testing.assert_close(up, upwards)
    torch.testing.assert_close(kept, unclipped)


def test_a_whole_risk_below_zero_stands_still() -> None:
    batch = batch_of(small_sessions([4], seed=5))
    batch = SessionBatch(batch.categorical_BTF, batch.numeric_BTF, torch.ones(1, 4), batch.mask_BT)
    model = estimator(clip_form="whole", propensity_floor=1e-3, weight_decay=0.0)
    with torch.no_grad():  # attention far too low, and a tiny propensity: the negative part outweighs
        model.attention.get_parameter("mlp.2.bias").fill_(6.0)
        model.propensity.get_parameter("mlp.2.bias").fill_(-6.0)
    before = weights_of(model.attention)
    metrics = model.train_step(batch, RANKS)
    assert (metrics["attention_risk"], metrics["attention_clamped"]) == (0.0, 1.0)
    assert same(weights_of(model.attention), before)
