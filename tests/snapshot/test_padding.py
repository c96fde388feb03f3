"""Padded lengths: few, enough, and the best of their number, against trying every choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uae_model.snapshot.padding import choose_padded_lengths


def fill(histogram: Mapping[int, int], chosen: Sequence[int]) -> float:
    """Return the share of padded steps that are plays, each session in the smallest length that holds it."""
    padded = sum(
        count * min(bound for bound in chosen if bound >= length)
        for length, count in histogram.items()
        if count
    )
    return sum(length * count for length, count in histogram.items()) / padded


def best_of_size(histogram: Mapping[int, int], size: int) -> float:
    """Return the highest fill of any choice of so many lengths that holds the longest session."""
    lengths = sorted(length for length, count in histogram.items() if count)
    return max(fill(histogram, [*others, lengths[-1]]) for others in combinations(lengths[:-1], size - 1))


histograms = st.dictionaries(st.integers(1, 60), st.integers(0, 500), min_size=1, max_size=7).filter(
    lambda histogram: any(histogram.values())
)


@settings(max_examples=200, deadline=None)
@given(histogram=histograms, min_fill=st.sampled_from((0.5, 0.8, 0.95, 1.0)))
def test_the_choice_is_the_smallest_that_fills_enough_and_the_best_of_its_size(
    histogram: dict[int, int], min_fill: float
) -> None:
    chosen = choose_padded_lengths(histogram, min_fill)
    present = sorted(length for length, count in histogram.items() if count)
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(present)
    assert chosen[-1] == present[-1]
    assert fill(histogram, chosen) >= min_fill - 1e-12
    assert fill(histogram, chosen) == pytest.approx(best_of_size(histogram, len(chosen)))
    if len(chosen) > 1:
        assert best_of_size(histogram, len(chosen) - 1) < min_fill


@pytest.mark.parametrize(
    ("histogram", "min_fill", "expected"),
    [
        ({5: 10}, 1.0, [5]),
        ({1: 100, 100: 1}, 0.8, [1, 100]),
        ({9: 1, 10: 9}, 0.8, [10]),  # 99 of 100 steps are plays
        ({9: 1, 10: 9}, 1.0, [9, 10]),
        ({1: 0, 4: 2}, 0.8, [4]),
        ({}, 0.8, []),
        ({3: 0}, 0.8, []),
    ],
)
def test_by_hand(histogram: dict[int, int], min_fill: float, expected: list[int]) -> None:
    assert choose_padded_lengths(histogram, min_fill) == expected
