"""Quiet histories: what the figures of published days look like where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator

from uae_model.publication.checks import WEIGHT_EDGES
from uae_model.publication.model_checks import ScoringModel
from uae_model.publication.neighbours import DayFigures

START = date(2026, 1, 5)
YEAR = 365
SAMPLE = 4_000
"""Draws by which the shares of a distribution's bins are told."""

FEATURES = ("device", "play_source", "artist", "genre_affinity")


@dataclass(frozen=True)
class QuietWorld:
    """A service on which nothing goes wrong.

    Attributes:
        name: of the world.
        sessions: of a weekday at the start.
        plays_per_session: mean.
        growth: of the sessions, a day, as a share.
        weekend: factor of the sessions on Saturday and Sunday.
        noise: standard deviation of the logarithm of a day's sessions.
        active: share of plays that are active.
        attention: mean of passive plays.
        weight: mean of passive plays.
        drift: standard deviation, day by day, of the log odds of shares and means.
        retrained_every: days after which another model scores; 0 for never.
        new_model: standard deviation of the log odds by which a new model's means differ.
        special: share of days with 15 % more or fewer sessions than usual, such as holidays.
    """

    name: str
    sessions: float = 5_000
    plays_per_session: float = 10
    growth: float = 0.0
    weekend: float = 1.0
    noise: float = 0.04
    active: float = 0.08
    attention: float = 0.3
    weight: float = 0.2
    drift: float = 0.04
    retrained_every: int = 0
    new_model: float = 0.15
    special: float = 0.02


WORLDS = (
    QuietWorld("steady"),
    QuietWorld("growth", growth=0.005),
    QuietWorld("shrinking", growth=-0.003),
    QuietWorld("busy weekends", weekend=1.3),
    QuietWorld("quiet weekends", weekend=0.7),
    QuietWorld("small", sessions=500, weekend=1.3),
    QuietWorld("large", sessions=2_000_000, weekend=0.7, growth=0.002),
    QuietWorld("model change", retrained_every=7, weekend=1.3),
    QuietWorld("low weights", attention=0.15, weight=0.04, retrained_every=28, active=0.02),
    QuietWorld("high weights", attention=0.6, weight=0.5, active=0.3),
)


@dataclass(frozen=True)
class Night:
    """What is judged on a night: the day's figures and its model's facts."""

    figures: DayFigures
    facts: ScoringModel


def quiet_nights(world: QuietWorld, nights: int, random: Generator) -> Iterator[Night]:
    """Yield the nights of a world, one after the other."""
    model, shift, spread = 1, 0.0, 1.0
    trained = START - timedelta(days=1)
    for number in range(nights):
        day = START + timedelta(days=number)
        if world.retrained_every and number % world.retrained_every == 0 and number:
            model, trained = model + 1, day - timedelta(days=1)
            shift, spread = random.normal(0, world.new_model), random.uniform(0.8, 1.25)
        elif not world.retrained_every:
            trained = max(trained, day - timedelta(days=60))  # a model is promoted now and then
        # A year up and a year down again, so that many nights fit into a world.
        days_of_growth = YEAR - abs(number % (2 * YEAR) - YEAR)
        size = world.sessions * (1 + world.growth) ** days_of_growth
        yield _night(world, day, size, model, trained, shift, spread, random)


def _night(
    world: QuietWorld,
    day: date,
    size: float,
    model: int,
    trained: date,
    shift: float,
    spread: float,
    random: Generator,
) -> Night:
    weekly = world.weekend if day.weekday() >= 5 else 1.0
    holiday = random.choice([0.85, 1.15]) if random.random() < world.special else 1.0
    sessions = int(random.poisson(size * weekly * holiday * np.exp(random.normal(0, world.noise)))) or 1
    length = world.plays_per_session * np.exp(random.normal(0, 0.02)) + random.normal(
        0, 10 / np.sqrt(sessions)
    )
    plays = int(sessions * max(length, 1))
    # Plays of a session are alike: shares and means scatter as the sessions do, not as the plays.
    scatter = np.hypot(world.drift, 1 / np.sqrt(sessions))
    active = int(random.binomial(plays, _moved(world.active, random.normal(0, scatter))))
    daily = random.normal(0, scatter)
    attention = _moved(world.attention, shift + daily)
    weight = _moved(world.weight, shift + daily)
    figures = DayFigures(
        day=day,
        models=(model, model),
        plays=plays,
        sessions=sessions,
        active=active,
        attention=attention,
        weight=weight,
        histogram=histogram(weight, 2.0 * spread, plays - active, random),
        missing={name: max(0.0, random.normal(0.03, 0.005)) for name in FEATURES},
        unseen={name: max(0.0, random.normal(0.01, 0.003)) for name in FEATURES},
    )
    return Night(figures, ScoringModel(trained, mean_attention=attention, evidence=0.7, agreement=0.9))


def histogram(mean: float, concentration: float, plays: int, random: Generator) -> tuple[int, ...]:
    """Return passive plays in each bin of their weights, which are a beta distribution."""
    draws = random.beta(mean * concentration, (1 - mean) * concentration, size=min(plays, SAMPLE))
    bins = np.bincount(np.searchsorted(WEIGHT_EDGES, draws, side="right"), minlength=len(WEIGHT_EDGES) + 1)
    return tuple(int(count) for count in bins * plays // max(len(draws), 1))


def _moved(share: float, log_odds: float) -> float:
    return float(1 / (1 + np.exp(-(np.log(share / (1 - share)) + log_odds))))


def with_figures(night: Night, **changes: object) -> Night:
    """Return the night with other figures of the day."""
    return replace(night, figures=replace(night.figures, **changes))  # type: ignore[arg-type]
