"""Faults, each as what it does to the figures of a night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from benchmarks.gates.worlds import FEATURES, Night, with_figures
from uae_model.publication.checks import WEIGHT_EDGES

Fault = Callable[[Night], Night]

BINS = len(WEIGHT_EDGES) + 1


def _plays_times(night: Night, factor: float, *, sessions: float) -> Night:
    """Return the night with another number of plays, and of sessions."""
    figures = night.figures
    return with_figures(
        night,
        plays=int(figures.plays * factor),
        active=int(figures.active * factor),
        sessions=max(int(figures.sessions * sessions), 1),
        histogram=tuple(int(count * factor) for count in figures.histogram),
    )


def _active(night: Night, share: float) -> Night:
    figures = night.figures
    kept = (1 - share) * figures.plays / max(figures.plays - figures.active, 1)
    histogram = tuple(int(count * kept) for count in figures.histogram)
    return with_figures(night, active=int(figures.plays * share), histogram=histogram)


def _weights(night: Night, attention: float, weight: float, histogram: tuple[int, ...]) -> Night:
    return with_figures(night, attention=attention, weight=weight, histogram=histogram)


def _pushed_down(night: Night) -> Night:
    """Return a network pushed to -12: what weight is left comes from earlier feedback, as was seen."""
    figures = night.figures
    passive = sum(figures.histogram)
    weight = 0.26 * (figures.weight or 0)
    high = int(passive * min(weight / 0.4, 1))
    return _weights(night, 6e-6, weight, _in_bins(passive - high, 0, high, 7))


def _pushed_up(night: Night) -> Night:
    passive = sum(night.figures.histogram)
    return _weights(night, 1 - 6e-6, 0.99, _in_bins(0, 0, passive, BINS - 1))


def _all_half(night: Night) -> Night:
    passive = sum(night.figures.histogram)
    return _weights(night, night.figures.attention or 0, 0.5, _in_bins(0, 0, passive, 8))


def _turned(night: Night) -> Night:
    """Return weights that are 1 less themselves; the distribution is turned as far as its bins can be."""
    figures = night.figures
    attention, weight = 1 - (figures.attention or 0), 1 - (figures.weight or 0)
    return _weights(night, attention, weight, tuple(reversed(figures.histogram)))


def _in_bins(low_count: int, low: int, high_count: int, high: int) -> tuple[int, ...]:
    return tuple(low_count * (number == low) + high_count * (number == high) for number in range(BINS))


def _of_feature(night: Night, kind: str, share: float) -> Night:
    shares = {**getattr(night.figures, kind), FEATURES[0]: share}
    return with_figures(night, **{kind: shares})


def _old(night: Night) -> Night:
    last = night.figures.day - timedelta(days=120)
    return replace(night, facts=replace(night.facts, last_day=last))


FAULTS: dict[str, Fault] = {
    "an eighth of the plays": lambda night: _plays_times(night, 1 / 8, sessions=1 / 8),
    "half of the users gone": lambda night: _plays_times(night, 1 / 2, sessions=1 / 2),
    "each play doubled": lambda night: _plays_times(night, 2, sessions=1),
    "each session doubled": lambda night: _plays_times(night, 2, sessions=2),
    "sessions cut at half their length": lambda night: _plays_times(night, 1, sessions=2),
    "sessions of two days joined": lambda night: _plays_times(night, 1, sessions=1 / 2),
    "80 % active": lambda night: _active(night, 0.8),
    "no play active": lambda night: _active(night, 0.0),
    "attention network pushed to -12": _pushed_down,
    "attention network pushed to +12": _pushed_up,
    "all weights 0.5": _all_half,
    "weights turned to 1 - w": _turned,
    "one feature all null": lambda night: _of_feature(night, "missing", 1.0),
    "one feature of unseen buckets": lambda night: _of_feature(night, "unseen", 0.9),
    "model of 120 days ago": _old,
    "attention runs against the feedback": lambda night: replace(
        night, facts=replace(night.facts, evidence=0.4)
    ),
    "two best candidates turned": lambda night: replace(night, facts=replace(night.facts, agreement=-0.5)),
    "collapsed model": lambda night: replace(night, facts=replace(night.facts, mean_attention=0.98)),
}
