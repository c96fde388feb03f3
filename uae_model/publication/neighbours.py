"""A day against the days published last: what is wrong shows as a jump, long before it leaves [0, 1].

Counts are compared as logarithms, shares and means as logarithms of their odds, so that one factor is as far
up as down and near 1 as near 0. Whatever the factor, a day may differ by the noise of its own sample: its
sessions are the draws, since the plays of one session are alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median
from typing import Any

from uae_model.config.sections import PublicationChecks
from uae_model.features.drift import population_stability_index
from uae_model.publication.checks import Check, DayStatistics

FEWEST = 3
"""Neighbours that are enough for the narrow limits."""

NOISE = 4.0
"""Standard errors of a sample by which a day may differ beside the limits."""

CLOSE = 1.15
"""Factor from the median of the neighbours that is no jump, whatever the same weekday before was like."""

SURE = 1e-6
"""Shares nearer to 0 or 1 than this are as far as this: odds would be infinite."""


@dataclass(frozen=True)
class DayFigures:
    """What days are compared by.

    Attributes:
        day: that was published, or is to be.
        models: the pair (attention, propensity) that scored it.
        plays, sessions, active: counts.
        attention: mean of passive plays, in [0, 1]; None where the day has none.
        weight: likewise.
        histogram: passive plays in each bin of their weights, see ``WEIGHT_EDGES``.
        missing: share of plays without a value, by feature; empty where ``feature_health`` is off.
        unseen: share of plays in buckets that training never had, by feature, likewise.
        accepted: codes of the failed checks that a person overruled.
    """

    day: date
    models: tuple[int, int]
    plays: int
    sessions: int
    active: int
    attention: float | None
    weight: float | None
    histogram: Sequence[int]
    missing: Mapping[str, float]
    unseen: Mapping[str, float]
    accepted: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        day: date,
        models: tuple[int, int],
        statistics: DayStatistics,
        missing: Mapping[str, float],
        unseen: Mapping[str, float],
    ) -> DayFigures:
        """Return the figures of a day that is to be published."""
        return cls(
            day=day,
            models=models,
            plays=statistics.rows,
            sessions=statistics.sessions,
            active=statistics.active,
            attention=statistics.mean_passive_attention,
            weight=statistics.mean_passive_weight,
            histogram=statistics.passive_weight_histogram,
            missing=missing,
            unseen=unseen,
        )

    @classmethod
    def of_counts(cls, day: date, counts: Mapping[str, Any]) -> DayFigures | None:
        """Return the figures that a publication recorded; None for one that recorded none."""
        if "neighbour" not in counts:
            return None
        figures = counts["neighbour"]
        return cls(
            day=day,
            models=(int(counts["models"][0]), int(counts["models"][1])),
            histogram=tuple(figures["histogram"]),
            accepted=tuple(counts.get("accepted_checks", ())),
            **{name: figures[name] for name in _RECORDED},
        )

    def recorded(self) -> dict[str, Any]:
        """Return what ``of_counts`` reads under ``neighbour``; shares with three digits."""
        rounded = {
            name: {feature: round(share, 3) for feature, share in getattr(self, name).items()}
            for name in ("missing", "unseen")
        }
        figures = {name: getattr(self, name) for name in _RECORDED}
        return {**figures, **rounded, "histogram": list(self.histogram)}


_RECORDED = ("plays", "sessions", "active", "attention", "weight", "missing", "unseen")


def neighbours_of(day: date, published: Iterable[DayFigures], limits: PublicationChecks) -> list[DayFigures]:
    """Return the days that a day is compared with, oldest first: never the day itself.

    They are the last ones published before it without an accepted failure; where these are fewer than three,
    the next ones after it too.
    """
    first = limits.neighbours_from or date.min
    usable = sorted(
        (figures for figures in published if not figures.accepted and figures.plays and figures.day >= first),
        key=lambda figures: figures.day,
    )
    before = [figures for figures in usable if figures.day < day][-limits.neighbours :]
    if len(before) >= FEWEST:
        return before
    after = [figures for figures in usable if figures.day > day]
    return [*before, *after[: max(limits.neighbours - len(before), 0)]]


def check_against_neighbours(
    figures: DayFigures, neighbours: Sequence[DayFigures], limits: PublicationChecks
) -> list[Check]:
    """Return the checks of a day against its neighbours; none where it has no neighbour or no play."""
    if not neighbours or not figures.plays:
        return []
    comparison = _Comparison(figures, neighbours, limits)
    return [
        *comparison.volumes(),
        *comparison.weekdays(),
        comparison.session_length(),
        comparison.active_share(),
        *comparison.means(),
        *comparison.distribution(),
        *comparison.features(),
    ]


class _Comparison:
    """A day and its neighbours; the limits are wider where these are few, or the day is small."""

    def __init__(
        self, figures: DayFigures, neighbours: Sequence[DayFigures], limits: PublicationChecks
    ) -> None:
        self.day, self.all, self.limits = figures, neighbours, limits
        self.widening = 1 if len(neighbours) >= FEWEST else 2
        self.usual_sessions = max(median(n.sessions for n in neighbours), 1)
        """Draws of a count, which a day that lost its sessions must not set itself."""
        self.draws = max(min(figures.sessions, self.usual_sessions), 1)
        """Draws of a mean."""
        same = [n for n in neighbours if n.models == figures.models]
        self.is_known_model = len(same) >= FEWEST
        self.alike = same if self.is_known_model else neighbours
        """The neighbours that means are compared with."""

    def allowed(self, factor: float, variance: float) -> float:
        """Return the largest distance of two logarithms, by a factor and the variance of the sample."""
        return math.hypot(math.log(factor), NOISE * math.sqrt(variance)) * self.widening

    def volumes(self) -> list[Check]:
        """Return plays and sessions against the median."""
        allowed = self.allowed(self.limits.max_volume_factor, 1 / self.usual_sessions)
        return [
            _factor_check(name, name, getattr(self.day, name), self._usual(name), _log_count, allowed)
            for name in ("plays", "sessions")
        ]

    def weekdays(self) -> list[Check]:
        """Return plays and sessions against the same day of the week, where one is among the neighbours."""
        weekday = self.day.day.weekday()
        alike = [n for n in self.all if n.day.weekday() == weekday]
        if not alike or len(self.all) < FEWEST:
            return []
        nearest = min(alike, key=lambda n: abs(n.day - self.day.day))
        allowed = self.allowed(self.limits.max_weekday_factor, 2 / self.usual_sessions)
        checks = []
        for name in ("plays", "sessions"):
            value = getattr(self.day, name)
            check = _factor_check(
                f"weekday_{name}",
                name,
                value,
                getattr(nearest, name),
                _log_count,
                allowed,
                of="the same weekday",
                is_excused=abs(_log_count(value) - _log_count(self._usual(name))) <= math.log(CLOSE),
            )
            checks.append(check)
        return checks

    def session_length(self) -> Check:
        """Return plays per session against the median."""
        usual = median(n.plays / max(n.sessions, 1) for n in self.all)
        length = self.day.plays / max(self.day.sessions, 1)
        allowed = self.allowed(self.limits.max_session_length_factor, 1 / self.draws)
        return _factor_check("session_length", "plays per session", length, usual, math.log, allowed)

    def active_share(self) -> Check:
        """Return the share of active plays against the median."""
        share = _active_share(self.day)
        usual = median(_active_share(n) for n in self.all)
        variance = 1 / self.draws + 1 / (usual * self.day.plays)
        allowed = self.allowed(self.limits.max_active_factor, variance)
        return _factor_check("active_share", "active share", share, usual, _log_odds, allowed)

    def means(self) -> list[Check]:
        """Return mean attention and mean weight of passive plays against neighbours of the same models."""
        limits = self.limits
        factor = limits.max_mean_factor if self.is_known_model else limits.max_mean_factor_new_model
        allowed = self.allowed(factor, 1 / self.draws)
        checks = []
        for name in ("attention", "weight"):
            value = getattr(self.day, name)
            others = [getattr(n, name) for n in self.alike if getattr(n, name) is not None]
            if value is not None and others:
                checks.append(
                    _factor_check(
                        f"mean_{name}", f"mean passive {name}", value, median(others), _log_odds, allowed
                    )
                )
        return checks

    def distribution(self) -> list[Check]:
        """Return the PSI of the passive weights against the mean of the neighbours' distributions."""
        others = [_shares(n.histogram) for n in self.alike if sum(n.histogram)]
        if not others or not sum(self.day.histogram):
            return []
        expected = [fmean(bins) for bins in zip(*others, strict=True)]
        limits = self.limits
        limit = limits.max_weight_psi if self.is_known_model else limits.max_weight_psi_new_model
        # Without any change the PSI of B bins is about (B - 1) / draws, for each of the two samples.
        allowed = (limit + NOISE * (len(expected) - 1) / self.draws) * self.widening
        psi = population_stability_index(expected, _shares(self.day.histogram))
        name = f"stability index of the passive weights at most {allowed:.2f}"
        return [Check(name, psi <= allowed, f"{psi:.2f}", "weight_distribution", psi, allowed)]

    def features(self) -> list[Check]:
        """Return missing values and unseen buckets, the worst feature of each, where health was recorded."""
        limits = self.limits
        checks = []
        for kind, limit in (("missing", limits.max_missing_rise), ("unseen", limits.max_unseen_rise)):
            rises = {
                feature: share - median(known)
                for feature, share in getattr(self.day, kind).items()
                if (known := [getattr(n, kind)[feature] for n in self.all if feature in getattr(n, kind)])
            }
            if rises:
                checks.append(_rise_check(kind, rises, limit * self.widening))
        return checks

    def _usual(self, name: str) -> float:
        return median(float(getattr(n, name)) for n in self.all)


def _factor_check(
    code: str,
    what: str,
    value: float,
    usual: float,
    scale: Callable[[float], float],
    allowed: float,
    *,
    of: str = "the last days",
    is_excused: bool = False,
) -> Check:
    distance = abs(scale(value) - scale(usual))
    return Check(
        f"{what} within a factor of {math.exp(allowed):.2f} of {of}",
        is_excused or distance <= allowed,  # NaN is within nothing
        f"{value:.4g}, usual {usual:.4g}, factor {math.exp(distance):.2f}",
        code,
        math.exp(distance),
        math.exp(allowed),
    )


def _rise_check(kind: str, rises: Mapping[str, float], limit: float) -> Check:
    risen = sorted((name for name in rises if rises[name] > limit), key=lambda name: -rises[name])
    worst = max(rises.values())
    listed = ", ".join(f"{name} +{rises[name]:.2f}" for name in risen)
    name = f"share of {kind} values of each feature rises at most {limit:g}"
    return Check(name, not risen, listed or f"at most {worst:+.2f}", f"{kind}_values", worst, limit)


def _log_count(count: float) -> float:
    return math.log(max(count, 0.5))


def _log_odds(share: float) -> float:
    if math.isnan(share):
        return share
    within = min(max(share, SURE), 1 - SURE)
    return math.log(within / (1 - within))


def _active_share(figures: DayFigures) -> float:
    """Return the share of active plays, half a play away from none and from all."""
    return (figures.active + 0.5) / (figures.plays + 1)


def _shares(histogram: Sequence[int]) -> list[float]:
    total = sum(histogram)
    return [count / total for count in histogram]
