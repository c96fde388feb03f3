"""Tables of the measured cases, and the claims that they must bear out."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.estimators.worlds import SETTINGS
from uae_model.pages.markdown import markdown_table

Result = dict[str, Any]


RECOVERY = ("estimators", "main")
"""Plans whose results are compared across worlds."""


def chosen(results: Sequence[Result], setting: str, plans: Sequence[str] = RECOVERY) -> list[Result]:
    """Return the results of these plans in one world, in order of the seed."""
    kept = [
        result
        for result in results
        if result["case"]["plan"] in plans and result["case"]["setting"] == setting
    ]
    return sorted(kept, key=lambda result: int(result["case"]["seed"]))


def values(results: Sequence[Result], estimator: str, name: str = "auc_p") -> list[float]:
    """Return one figure of an estimator, by seed."""
    return [result["scores"][estimator][name] for result in results]


def calibration_errors(results: Sequence[Result], name: str) -> list[float]:
    """Return the calibration error of auto under one assumption on the mean, by seed."""
    return [result["scores"]["auto"]["calibration"][name] for result in results]


def tables(measured: Sequence[Result]) -> dict[str, str]:
    """Return everything as Markdown, by the blocks of docs/benchmarks/attention.md."""
    worlds = [name for name in SETTINGS if chosen(measured, name)]
    return {
        "estimators-recovery": _recovery(measured, worlds),
        "estimators-choices": _choices(measured, worlds),
        "estimators-calibration": _calibration(measured, worlds),
        "estimators-options": _options(measured),
        "estimators-cost": _cost(measured),
    }


def _recovery(all_results: Sequence[Result], worlds: Sequence[str]) -> str:
    names = list(chosen(all_results, worlds[0])[0]["scores"])
    rows = []
    for name in names:
        measured = [chosen(all_results, world) for world in worlds]
        cells = [
            spread(values(results_of_world, name)) if name in results_of_world[0]["scores"] else ""
            for results_of_world in measured
        ]
        rows.append([name, *cells])
    ceilings = [spread([result["oracle_auc_p"] for result in chosen(all_results, world)]) for world in worlds]
    rows.append(["oracle (true parameters, smoothed)", *ceilings])
    ways = [f"{way_to_oracle(chosen(all_results, world)):.0%}" for world in worlds]
    rows.append(["auto's share of the way from PN to the oracle", *ways])
    return markdown_table(["auc_p", *(SETTINGS[world].title for world in worlds)], rows)


def _choices(all_results: Sequence[Result], worlds: Sequence[str]) -> str:
    lines = ["What `auto` chose, by seed:", ""]
    for world in [*worlds, "swapped_roles"]:
        results = chosen(all_results, world, (*RECOVERY, "auto"))
        counts = Counter(result["scores"]["auto"]["chosen"] for result in results)
        text = ", ".join(f"{name} x {count}" for name, count in counts.most_common())
        lines.append(f"- {SETTINGS[world].title}: {text} (auc_p {spread(values(results, 'auto'))})")
    return "\n".join(lines)


def _calibration(all_results: Sequence[Result], worlds: Sequence[str]) -> str:
    names = list(chosen(all_results, worlds[0])[0]["scores"]["auto"]["calibration"])
    rows = []
    for world in worlds:
        results = chosen(all_results, world)
        rows.append([SETTINGS[world].title, *(spread(calibration_errors(results, name)) for name in names)])
    return markdown_table(["calibration error of auto, passive plays", *names], rows)


def _options(all_results: Sequence[Result]) -> str:
    results = chosen(all_results, "sticky", ["options"])
    numbers = ("clamped steps, attention", "propensity", "mean attention", "mean propensity", "collapsed")
    rows = []
    for name in results[0]["scores"]:
        clamped = [
            f"{statistics.mean(values(results, name, f'{network}_clamped')):.0%}"
            for network in ("attention", "propensity")
        ]
        means = [
            f"{statistics.mean(values(results, name, f'mean_{network}')):.2f}"
            for network in ("attention", "propensity")
        ]
        collapsed = f"{sum(values(results, name, 'collapsed')):g} of {len(results)}"
        rows.append([name, spread(values(results, name)), *clamped, *means, collapsed])
    return markdown_table(["UAE in the sticky world", "auc_p", *numbers], rows)


def _cost(all_results: Sequence[Result]) -> str:
    (result,) = chosen(all_results, "sticky", ["cost"])
    seconds = {name: score["seconds"] for name, score in result["scores"].items()}
    return (
        f"Training on {result['plays']:,} plays, one process: UAE {seconds['uae']:.0f} s, auto "
        f"{seconds['auto']:.0f} s ({seconds['auto'] / seconds['uae']:.2f} times)."
    )


def spread(numbers: Sequence[float]) -> str:
    """Return mean and sample standard deviation."""
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
    return f"{statistics.mean(numbers):.3f} ± {deviation:.3f}"


def way_to_oracle(results: Sequence[Result]) -> float:
    """Return how far auto comes on the way from PN to the oracle, of the means over the seeds."""
    naive, auto = (statistics.mean(values(results, name)) for name in ("pn", "auto"))
    oracle = statistics.mean(float(result["oracle_auc_p"]) for result in results)
    return (auto - naive) / (oracle - naive)


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


def claims(all_results: Sequence[Result]) -> list[BoundedClaim]:
    """Return what issue 4 wants of the estimators."""

    def mean(setting: str, estimator: str) -> float:
        return statistics.mean(values(chosen(all_results, setting), estimator))

    def gain(setting: str, other: str) -> float:
        return mean(setting, "auto") - mean(setting, other)

    independent = chosen(all_results, "independent")
    oracle = statistics.mean(result["oracle_auc_p"] for result in independent)
    (cost,) = chosen(all_results, "sticky", ["cost"])
    known = calibration_errors(chosen(all_results, "sticky"), "known mean")

    def least_gain(setting: str) -> float:
        results = chosen(all_results, setting)
        pairs = zip(values(results, "auto"), values(results, "pn"), strict=True)
        return min(auto - naive for auto, naive in pairs)

    def in_sticky_world(setting: str) -> list[BoundedClaim]:
        way = way_to_oracle(chosen(all_results, setting))
        return [
            BoundedClaim(f"{setting}: auto", mean(setting, "auto"), 0.78),
            BoundedClaim(f"{setting}: auto above UAE", gain(setting, "uae"), 0.08),
            BoundedClaim(f"{setting}: share of the way from PN to the oracle", way, 0.85),
        ]

    return [
        *in_sticky_world("sticky"),
        *in_sticky_world("study_baselines"),
        BoundedClaim("not sticky: auto above UAE", gain("independent", "uae"), 0.03),
        BoundedClaim(
            "not sticky: auto below the oracle", oracle - mean("independent", "auto"), 0.045, at_most=True
        ),
        *(
            BoundedClaim(f"{setting}: auto above {other}", gain(setting, other), 0.0)
            for setting in ("waking", "wrong_roles")
            for other in ("pn", "uae")
        ),
        BoundedClaim("sticky: calibration error, mean known", statistics.mean(known), 0.05, at_most=True),
        *(
            BoundedClaim(f"{setting}: auto above PN in the worst seed", least_gain(setting), 0.0)
            for setting in ("sticky", "independent")
        ),
        BoundedClaim(
            "cost of auto, times UAE",
            cost["scores"]["auto"]["seconds"] / cost["scores"]["uae"]["seconds"],
            2.5,
            at_most=True,
        ),
    ]
