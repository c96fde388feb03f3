"""What the estimators are held to, of the cases that were measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.estimators.tables import (
    RECOVERY,
    Result,
    calibration_errors,
    chosen,
    values,
    way_to_oracle,
    worlds_by_size,
)

BELOW_BASELINES, BELOW_PN = -0.005, -0.02
"""What auto's mean may lack to the better of PN and UAE, and what it may lack to PN in any one seed."""

WAY = {"75k": 0.6, "260k": 0.7}
"""Share of the way from PN to the oracle, in the mean over the worlds of a size."""

LEAST_AUC = {
    ("sticky", "75k"): 0.79,
    ("independent", "75k"): 0.76,
    ("boredom", "75k"): 0.711,
    ("boredom", "260k"): 0.711,
    ("accidental", "75k"): 0.72,
    ("accidental", "260k"): 0.72,
}

ABOVE_UAE = {("sticky", "260k"): 0.08, ("independent", "260k"): 0.03}
BELOW_ORACLE = {("independent", "260k"): 0.045}

CALIBRATION_ERROR = 0.05
INTERVALS_WITH_TRUTH = 0.9
COST = 2.5


@dataclass(frozen=True)
class BoundedClaim:
    """A figure that must not be below (or above) a bound."""

    text: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to its bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def line(self) -> str:
        """Return the claim, what came out, and whether it holds."""
        sign = "<=" if self.at_most else ">="
        return f"{'holds' if self.holds else 'FAILS'}: {self.text}: {self.value:.3f} {sign} {self.bound:g}"


def claims(results: Sequence[Result]) -> list[BoundedClaim]:
    """Return the claims about what was measured; those about other cases are left out."""
    found = []
    for size, worlds in worlds_by_size(results).items():
        for world, of_world in worlds.items():
            found += _of_world(world, size, of_world)
        if size in WAY:
            way = statistics.mean(way_to_oracle(of_world) for of_world in worlds.values())
            text = f"{size}: share of the way from PN to the oracle, mean over {len(worlds)} worlds"
            found.append(BoundedClaim(text, way, WAY[size]))
    return [*found, *_of_issue(results), *_of_intervals(results), *_of_cost(results)]


def _of_world(world: str, size: str, results: Sequence[Result]) -> list[BoundedClaim]:
    auto, naive, uae = (values(results, name) for name in ("auto", "pn", "uae"))
    above = statistics.mean(auto) - max(statistics.mean(naive), statistics.mean(uae))
    worst = min(ours - theirs for ours, theirs in zip(auto, naive, strict=True))
    error = statistics.mean(calibration_errors(results, "known mean"))
    name = f"{world} at {size}"
    return [
        BoundedClaim(f"{name}: auto above the better of PN and UAE", above, BELOW_BASELINES),
        BoundedClaim(f"{name}: auto above PN in the worst seed", worst, BELOW_PN),
        BoundedClaim(f"{name}: calibration error, mean known", error, CALIBRATION_ERROR, at_most=True),
    ]


def _of_issue(results: Sequence[Result]) -> Iterator[BoundedClaim]:
    """Yield the bounds that single worlds have."""

    def mean(of_world: Sequence[Result], name: str) -> float:
        return statistics.mean(values(of_world, name))

    for (world, size), bound in LEAST_AUC.items():
        if of_world := chosen(results, world, size):
            yield BoundedClaim(f"{world} at {size}: auto", mean(of_world, "auto"), bound)
    for (world, size), bound in ABOVE_UAE.items():
        if of_world := chosen(results, world, size):
            gain = mean(of_world, "auto") - mean(of_world, "uae")
            yield BoundedClaim(f"{world} at {size}: auto above UAE", gain, bound)
    for (world, size), bound in BELOW_ORACLE.items():
        if of_world := chosen(results, world, size):
            oracle = statistics.mean(result["oracle_auc_p"] for result in of_world)
            lack = oracle - mean(of_world, "auto")
            yield BoundedClaim(f"{world} at {size}: auto below the oracle", lack, bound, at_most=True)


def _of_intervals(results: Sequence[Result]) -> Iterator[BoundedClaim]:
    """Yield how often auto's interval for mean attention holds the truth, where it gives one."""
    held = []
    for result in results:
        if result["case"]["plan"] in RECOVERY:
            interval = result["scores"]["auto"].get("mean_interval")
            if interval is not None:
                low, high = interval
                held.append(low <= result["validation_attended_share"] <= high)
    if held:
        text = f"the interval for the mean holds the truth, share of {len(held)} cases"
        yield BoundedClaim(text, statistics.mean(held), INTERVALS_WITH_TRUTH)


def _of_cost(results: Sequence[Result]) -> Iterator[BoundedClaim]:
    for result in results:
        if result["case"]["plan"] == "cost":
            seconds = {name: score["seconds"] for name, score in result["scores"].items()}
            text = f"cost of auto at {result['plays']:,} plays, times UAE"
            yield BoundedClaim(text, seconds["auto"] / seconds["uae"], COST, at_most=True)
