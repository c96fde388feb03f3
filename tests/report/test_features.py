"""The small multiples of features: a panel each, by name, with its index."""

from __future__ import annotations

from datetime import timedelta

from tests.builders import DAY
from uae_model.report.facts import FeatureDay
from uae_model.report.features import small_multiples


def test_each_feature_has_a_panel_with_its_name_and_index() -> None:
    days = [FeatureDay("genre", DAY + timedelta(days=n), 0.1, 0.02 * n, None, (), 0.31) for n in range(3)] + [
        FeatureDay("tempo", DAY, 0.0, None, 1.5, (0.5, 1.0, 1.5, 2.0, 2.5), None)
    ]
    svg = small_multiples(days)
    assert 'aria-label="2 features from 2026-01-05 to 2026-01-07, a panel each"' in svg
    assert "genre  0.31" in svg
    assert "tempo" in svg
    assert small_multiples(days) == svg
