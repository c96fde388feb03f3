"""Tables of the measured cases: every world, by its number of training plays."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.estimators.worlds import ESTIMATORS, SETTINGS
from uae_model.pages.markdown import markdown_table

Result = dict[str, Any]

RECOVERY = ("estimators", "main")
"""Plans whose results are compared across worlds."""


def chosen(
    results: Sequence[Result], setting: str, size: str, plans: Sequence[str] = RECOVERY
) -> list[Result]:
    """Return the results of these plans in one world of one size, in order of the seed."""
    kept = [
        result
        for result in results
        if result["case"]["plan"] in plans
        and result["case"]["setting"] == setting
        and result["case"]["size"] == size
    ]
    return sorted(kept, key=lambda result: int(result["case"]["seed"]))


def worlds_by_size(
    results: Sequence[Result], plans: Sequence[str] = RECOVERY
) -> dict[str, dict[str, list[Result]]]:
    """Return the results by size, small ones first, and within a size by world."""
    kept = [result for result in results if result["case"]["plan"] in plans]
    plays = {result["case"]["size"]: int(result["plays"]) for result in kept}
    return {
        size: {
            setting: of_setting for setting in SETTINGS if (of_setting := chosen(kept, setting, size, plans))
        }
        for size in sorted(plays, key=lambda size: plays[size])
    }


def values(results: Sequence[Result], estimator: str, name: str = "auc_p") -> list[float]:
    """Return one figure of an estimator, by seed."""
    return [result["scores"][estimator][name] for result in results]


def calibration_errors(results: Sequence[Result], name: str) -> list[float]:
    """Return the calibration error of auto under one assumption on the mean, by seed."""
    return [result["scores"]["auto"]["calibration"][name] for result in results]


def tables(measured: Sequence[Result]) -> dict[str, str]:
    """Return everything as Markdown, by the blocks of docs/benchmarks/attention.md.

    A block is missing where nothing of it was measured.
    """
    blocks = {
        "estimators-recovery": _recovery(measured),
        "estimators-choices": _choices(measured),
        "estimators-calibration": _calibration(measured),
        "estimators-options": _options(measured),
        "estimators-cost": _cost(measured),
    }
    return {name: text for name, text in blocks.items() if text}


def _recovery(measured: Sequence[Result]) -> str:
    parts = []
    for size, worlds in worlds_by_size(measured).items():
        names = [name for name in ESTIMATORS if any(name in of[0]["scores"] for of in worlds.values())]
        rows = []
        for world, results in worlds.items():
            cells = [spread(values(results, name)) if name in results[0]["scores"] else "" for name in names]
            ceiling = spread([result["oracle_auc_p"] for result in results])
            rows.append([SETTINGS[world].title, *cells, ceiling, f"{way_to_oracle(results):.0%}"])
        header = [f"auc_p at {size} training plays", *names, "oracle", "way from PN to the oracle"]
        parts.append(markdown_table(header, rows))
    return "\n\n".join(parts)


def _choices(measured: Sequence[Result]) -> str:
    lines = []
    for size, worlds in worlds_by_size(measured, (*RECOVERY, "auto")).items():
        lines += ["", f"What `auto` chose at {size} training plays, by seed:", ""]
        for world, results in worlds.items():
            counts = Counter(result["scores"]["auto"]["chosen"] for result in results)
            text = ", ".join(f"{name} x {count}" for name, count in counts.most_common())
            lines.append(f"- {SETTINGS[world].title}: {text} (auc_p {spread(values(results, 'auto'))})")
    return "\n".join(lines[1:])


def _calibration(measured: Sequence[Result]) -> str:
    parts = []
    for size, worlds in worlds_by_size(measured).items():
        names = list(next(iter(worlds.values()))[0]["scores"]["auto"]["calibration"])
        rows = [
            [SETTINGS[world].title, *(spread(calibration_errors(results, name)) for name in names)]
            for world, results in worlds.items()
        ]
        parts.append(
            markdown_table(
                [f"calibration error of auto, passive plays, at {size} training plays", *names], rows
            )
        )
    return "\n\n".join(parts)


def _options(measured: Sequence[Result]) -> str:
    numbers = ("clamped steps, attention", "propensity", "mean attention", "mean propensity", "collapsed")
    parts = []
    for size, worlds in worlds_by_size(measured, ["options"]).items():
        results = worlds["sticky"]
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
        parts.append(
            markdown_table([f"UAE in the sticky world, {size} training plays", "auc_p", *numbers], rows)
        )
    return "\n\n".join(parts)


def _cost(measured: Sequence[Result]) -> str:
    lines = []
    for result in measured:
        if result["case"]["plan"] == "cost":
            seconds = {name: score["seconds"] for name, score in result["scores"].items()}
            lines.append(
                f"Training on {result['plays']:,} plays, one process: UAE {seconds['uae']:.0f} s, auto "
                f"{seconds['auto']:.0f} s ({seconds['auto'] / seconds['uae']:.2f} times)."
            )
    return "\n".join(lines)


def spread(numbers: Sequence[float]) -> str:
    """Return mean and sample standard deviation."""
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
    return f"{statistics.mean(numbers):.3f} ± {deviation:.3f}"


def way_to_oracle(results: Sequence[Result]) -> float:
    """Return how far auto comes on the way from PN to the oracle, of the means over the seeds."""
    naive, auto = (statistics.mean(values(results, name)) for name in ("pn", "auto"))
    oracle = statistics.mean(float(result["oracle_auc_p"]) for result in results)
    return (auto - naive) / (oracle - naive)
