"""Which lengths sessions are padded to."""

from __future__ import annotations

from collections.abc import Mapping


def choose_padded_lengths(histogram: Mapping[int, int], min_fill: float) -> list[int]:
    """Return the fewest padded lengths, ascending, for which at least ``min_fill`` of all steps are plays.

    Each session is padded to the smallest chosen length that holds it. Among choices of the same size
    the one with the least padding wins (dynamic programme over the distinct lengths).

    Args:
        histogram: sessions by length; lengths from 1.
        min_fill: share in (0, 1].
    """
    lengths = sorted(length for length, count in histogram.items() if count > 0)
    if not lengths:
        return []
    plays = sum(length * histogram[length] for length in lengths)
    size = len(lengths)
    sessions_up_to = [0]
    for length in lengths:
        sessions_up_to.append(sessions_up_to[-1] + histogram[length])

    # cost[i]: fewest padded steps of the i shortest lengths with the current number of groups.
    infinite = float("inf")
    cost = [0.0] + [infinite] * size
    cuts: list[list[int]] = []
    while True:
        step_cost, step_cut = [infinite] * (size + 1), [0] * (size + 1)
        for end in range(1, size + 1):
            for start in range(end):
                padded = cost[start] + lengths[end - 1] * (sessions_up_to[end] - sessions_up_to[start])
                if padded < step_cost[end]:
                    step_cost[end], step_cut[end] = padded, start
        cost = step_cost
        cuts.append(step_cut)
        if plays >= min_fill * cost[size] or len(cuts) == size:
            return _walk_back(lengths, cuts)


def _walk_back(lengths: list[int], cuts: list[list[int]]) -> list[int]:
    chosen, end = [], len(lengths)
    for cut in reversed(cuts):
        chosen.append(lengths[end - 1])
        end = cut[end]
    return chosen[::-1]
