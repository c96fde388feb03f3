"""Weight functions by hand, of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from uae_model.weights.functions import WeightFunction, passive_weights

ATTENTION = np.array([0.0, 0.25, 1.0])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (WeightFunction("smoothed", "power", gamma=15.0), [0.0, 1 - 1.25**-15, 1 - 2.0**-15]),
        (WeightFunction("smoothed", "linear"), [0.0, 0.25, 1.0]),
        (WeightFunction("smoothed", "scaled", factor=3.0), [0.0, 0.75, 1.0]),
        (WeightFunction("smoothed", "constant", mean=0.3), [0.3, 0.3, 0.3]),
    ],
    ids=lambda value: value.name if isinstance(value, WeightFunction) else "",
)
def test_weights_of_passive_plays(function: WeightFunction, expected: list[float]) -> None:
    assert passive_weights(ATTENTION, function).tolist() == pytest.approx(expected, abs=1e-15)
