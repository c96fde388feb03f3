"""Curves with intervals, and figures that say what they show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from uae_model.evaluation.comparison import Summary
from uae_model.evaluation.curves import t_band
from uae_model.evaluation.figures import by_weighting, convergence, daily_lift, gamma_curves
from uae_model.pages.svg import svg_file


def test_the_interval_is_students() -> None:
    # Three runs at 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.3027, half-width 4.3027 / sqrt(3) = 2.4841.
    band = t_band(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]))
    assert band.mean_T.tolist() == [2.0, 5.0]
    assert band.high_T == pytest.approx([4.4841, 5.0], abs=1e-4)
    assert band.low_T == pytest.approx([-0.4841, 5.0], abs=1e-4)


def test_one_run_has_no_interval() -> None:
    band = t_band(np.array([[1.0, 2.0]]))
    assert band.low_T.tolist() == band.high_T.tolist() == [1.0, 2.0]


def test_the_interval_covers_the_mean_in_95_of_100_samples() -> None:
    random = np.random.default_rng(0)
    band = t_band(random.normal(size=(10, 4000)))  # ten runs, as in the paper, at 4000 points
    covered = ((band.low_T < 0) & (band.high_T > 0)).mean()
    assert covered == pytest.approx(0.95, abs=0.015)  # four standard errors of a share over 4000


def test_figures_tell_their_figures_to_those_who_cannot_see_them() -> None:
    band = t_band(np.array([[0.6, 0.7], [0.62, 0.72]]))
    curve = convergence({"base": band, "auto": band}, "AUC, validation plays")
    assert "base ends at 0.7100; auto ends at 0.7100" in curve
    bars = by_weighting({"UAE, power 5": Summary(0.61, 0.01, 5)}, "GAUC", Summary(0.6, None, 1), "gauc")
    assert "GAUC: UAE, power 5 61.00" in bars
    lift = daily_lift({"play count": band, "play time": band})
    assert "play count from +61.00 % to +71.00 %" in lift
    assert "gamma 5, 15 and linear" in gamma_curves([15, 5])
    for name, svg in (
        ("convergence", curve),
        ("gauc", bars),
        ("daily-lift", lift),
        ("gamma-curves", gamma_curves([5])),
    ):
        assert svg.startswith(f'<svg id="plot-{name}"')
        assert svg.endswith("</svg>")


def test_a_figure_is_a_file_that_a_viewer_can_show() -> None:
    band = t_band(np.array([[0.6, 0.7], [0.62, 0.72]]))
    element = convergence({"base": band}, "AUC")
    file = ElementTree.fromstring(svg_file(element))  # noqa: S314 - drawn by us
    assert file.tag == "{http://www.w3.org/2000/svg}svg"
    assert file.get("aria-label") == "AUC by epoch: base ends at 0.7100"
    style = file.findtext("{http://www.w3.org/2000/svg}style") or ""
    colours = set(re.findall(r"var\((--\w+)\)", element))
    assert colours
    assert all(f"{colour}: #" in style for colour in colours)
