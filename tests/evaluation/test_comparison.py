"""Means, gains and t-tests over seeds, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from uae_model.evaluation.comparison import FEWEST_PARTS, Findings, half_width, paired_p_value
from uae_model.evaluation.labels import USER_PARTS, part_name
from uae_model.evaluation.trials import Trial, TrialResult


def findings_of(**values: list[float]) -> Findings:
    """Return findings of one model: weighting = the metric ``m`` of seeds 1, 2, ..."""
    return Findings(
        [
            TrialResult(Trial("FM", weighting, seed), {"m": value})
            for weighting, by_seed in values.items()
            for seed, value in enumerate(by_seed, start=1)
        ]
    )


def test_mean_and_deviation_over_the_seeds() -> None:
    summary = findings_of(none=[0.5, 0.6, 0.7]).summary("FM", "none", "m")
    assert summary is not None
    assert (summary.mean, summary.deviation) == pytest.approx((0.6, 0.1))
    assert summary.seeds == 3


def test_one_seed_has_neither_deviation_nor_p() -> None:
    findings = findings_of(none=[0.6], auto=[0.7])
    summary, gain = findings.summary("FM", "auto", "m"), findings.gain("FM", "auto", "m")
    assert summary is not None
    assert summary.deviation is None
    assert gain is not None
    assert gain.p_value is None
    assert not gain.significant
    assert gain.difference == pytest.approx(0.1)
    assert gain.relative == pytest.approx(100)


def test_the_t_test_is_paired_by_seed() -> None:
    # Differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3), 2 degrees of freedom: p = 0.0742.
    assert paired_p_value(np.array([11.0, 22.0, 33.0]), np.array([10.0, 20.0, 30.0])) == pytest.approx(
        0.07418, abs=1e-5
    )
    steady = findings_of(none=[0.50, 0.60, 0.70], auto=[0.511, 0.610, 0.712]).gain("FM", "auto", "m")
    assert steady is not None
    assert steady.significant


def test_a_loss_has_no_star() -> None:
    gain = findings_of(none=[0.50, 0.60, 0.70], pn=[0.40, 0.51, 0.60]).gain("FM", "pn", "m")
    assert gain is not None
    assert gain.p_value is not None
    assert gain.p_value < 0.01
    assert not gain.significant


def test_equal_figures_are_no_finding() -> None:
    assert paired_p_value(np.array([0.5, 0.6]), np.array([0.5, 0.6])) is None


def test_only_seeds_that_both_have_are_compared() -> None:
    findings = findings_of(none=[0.5, 0.6, math.nan], auto=[0.6, 0.7])
    gain = findings.gain("FM", "auto", "m")
    assert gain is not None
    assert gain.difference == pytest.approx(0.1)
    assert findings.values("FM", "none", "m") == {1: 0.5, 2: 0.6}
    assert findings.gain("FM", "sar", "m") is None
    assert findings.summary("FM", "none", "other") is None


def test_a_gain_over_another_weighting() -> None:
    gain = findings_of(none=[0.5, 0.6], constant=[0.6, 0.7], auto=[0.7, 0.8]).gain(
        "FM", "auto", "m", over="constant"
    )
    assert gain is not None
    assert gain.difference == pytest.approx(0.1)


def by_part(weighting: str, seed: int, overall: float, parts: list[float]) -> TrialResult:
    """Return a trial with GAUC of all users and of each part of them."""
    named = {part_name("active_plays", part): value for part, value in enumerate(parts)}
    return TrialResult(Trial("FM", weighting, seed), {"active_plays.gauc_clicks": overall, **named})


def test_an_interval_of_one_seed_is_that_of_the_users() -> None:
    # Gains of the parts are 0.01 and 0.03 by turns: deviation 0.01 sqrt(10 / 9), so the error of the mean is
    # 1/300; t of nine degrees of freedom at 97.5 % is 2.262.
    gains = [0.01, 0.03] * (USER_PARTS // 2)
    findings = Findings(
        [
            by_part("none", 1, 0.6, [0.6] * USER_PARTS),
            by_part("auto", 1, 0.621, [0.6 + gain for gain in gains]),
        ]
    )
    gain = findings.gain("FM", "auto", "active_plays.gauc_clicks")
    assert gain is not None
    assert gain.interval == pytest.approx((0.021 - 2.26216 / 300, 0.021 + 2.26216 / 300), abs=1e-6)
    assert findings.gain("FM", "auto", "active_plays.auc") is None


def test_seeds_widen_the_interval_by_the_noise_of_the_fits() -> None:
    parts_RP = np.tile([0.01, 0.03], (2, USER_PARTS // 2))
    alike = half_width(np.array([0.02, 0.02]), parts_RP)
    apart = half_width(np.array([0.01, 0.03]), parts_RP)
    assert alike == pytest.approx(2.26216 / 300, abs=1e-6)
    # Variances 1e-4 of the fits and 1/90000 of the users: 1.2311 degrees of freedom.
    assert apart == pytest.approx(stats.t.ppf(0.975, 1.23310) * math.sqrt(1e-4 + 1 / 90000), rel=1e-3)


def test_an_interval_needs_parts_with_figures() -> None:
    known = [0.01, 0.02, 0.03, 0.02, 0.01][: FEWEST_PARTS - 1]
    parts_RP = np.array([[*known, *[math.nan] * (USER_PARTS - len(known))]])
    assert half_width(np.array([0.02]), parts_RP) is None
    assert half_width(np.array([0.02]), np.full((1, USER_PARTS), 0.01)) is None  # no noise was seen
