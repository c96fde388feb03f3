"""``python -m benchmarks.gates``: false alarms on quiet nights, and planted faults that are caught.

Histories are simulated as the figures that publications record, and judged by the very functions that judge a
publication. No Spark, no model: about a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.claims import Claim, conclude
from benchmarks.gates.faults import FAULTS
from benchmarks.gates.worlds import WORLDS, Night, QuietWorld, quiet_nights
from benchmarks.measure import ROOT
from uae_model.config import Config, load_config
from uae_model.pages.markdown import markdown_table
from uae_model.publication.checks import Check
from uae_model.publication.model_checks import check_model
from uae_model.publication.neighbours import DayFigures, check_against_neighbours, neighbours_of

ALARMS = 1 / 200
"""False alarms per quiet night that are borne."""

HISTORY = 14
"""Nights before the first that is judged: a service that has run for two weeks."""


@dataclass
class Judged:
    """What came of a world.

    Attributes:
        nights: quiet nights judged.
        alarms: of these, refused.
        by_check: refused quiet nights by the code of the check.
        planted, caught: nights with each fault, and those that were refused.
    """

    nights: int = 0
    alarms: int = 0
    by_check: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of_result(cls, result: Mapping[str, Any]) -> Judged:
        """Return what the JSON holds of a world."""
        counted = {name: Counter(result[name]) for name in ("by_check", "planted", "caught")}
        return cls(result["nights"], result["alarms"], **counted)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge all worlds, write JSON and the tables; 1 if a claim fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates", description=__doc__)
    parser.add_argument("--nights", type=int, default=3_000, help="quiet nights of each world")
    parser.add_argument("--planted", type=int, default=60, help="nights of each world with each fault")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "gates.json"))
    parser.add_argument("--docs", action="store_true", help="also put the tables into docs/benchmarks")
    args = parser.parse_args(argv)
    config = load_config(None)
    judged = {
        world.name: judge_world(world, args.nights, args.planted, args.seed + number, config)
        for number, world in enumerate(WORLDS)
    }
    content = {"seed": args.seed, "worlds": {name: as_result(result) for name, result in judged.items()}}
    return conclude(content, args.out, tables(judged), claims(judged), "gates.md" if args.docs else None)


def judge_world(world: QuietWorld, nights: int, planted: int, seed: int, config: Config) -> Judged:
    """Judge each night of a world against those before it, and some of them with each fault in turn.

    A night that is refused is no neighbour of later ones, as in the real pipeline.
    """
    random = np.random.default_rng(seed)
    result, published = Judged(), list[DayFigures]()
    faulty = set(random.choice(np.arange(HISTORY, HISTORY + nights), min(planted, nights), replace=False))
    for number, night in enumerate(quiet_nights(world, HISTORY + nights, random)):
        failed = failed_checks(night, published, config)
        if number >= HISTORY:
            result.nights += 1
            result.alarms += bool(failed)
            result.by_check.update({check.code for check in failed})
        if number in faulty:
            for name, fault in FAULTS.items():
                result.planted[name] += 1
                result.caught[name] += bool(failed_checks(fault(night), published, config))
        if not failed:
            published = [*published, night.figures][-4 * config.publication.neighbours :]
    return result


def failed_checks(night: Night, published: Sequence[DayFigures], config: Config) -> list[Check]:
    """Return the checks that refuse a night."""
    day, limits = night.figures.day, config.publication
    neighbours = neighbours_of(day, published, limits)
    checks = [
        *check_against_neighbours(night.figures, neighbours, limits),
        *check_model(night.facts, day, config),
    ]
    return [check for check in checks if not check.passed]


def claims(judged: dict[str, Judged]) -> list[Claim]:
    """Return what the gates are held to."""
    nights = sum(result.nights for result in judged.values())
    alarms = sum(result.alarms for result in judged.values())
    missed = [
        f"{name} in {world}"
        for world, result in judged.items()
        for name in FAULTS
        if result.caught[name] < result.planted[name]
    ]
    worst = max(judged, key=lambda name: judged[name].alarms / judged[name].nights)
    share = judged[worst].alarms / judged[worst].nights
    return [
        Claim(
            "at most 1 false alarm in 200 quiet nights", f"{alarms} of {nights}", alarms <= ALARMS * nights
        ),
        Claim("and in the worst world too", f"{worst}: {share:.2%}", share <= ALARMS),
        Claim(
            f"all of {len(FAULTS)} faults caught in every world, every time",
            "; ".join(missed) or "none missed",
            not missed,
        ),
    ]


def tables(judged: dict[str, Judged]) -> dict[str, str]:
    """Return the tables of the page by the names of their places."""
    return {"gates-quiet": quiet_table(judged), "gates-faults": fault_table(judged)}


def quiet_table(judged: dict[str, Judged]) -> str:
    """Return false alarms by world."""
    rows = [
        [
            name,
            f"{result.nights:,}",
            str(result.alarms),
            ", ".join(f"{code} {count}" for code, count in result.by_check.most_common()) or "none",
        ]
        for name, result in judged.items()
    ]
    nights = sum(result.nights for result in judged.values())
    alarms = sum(result.alarms for result in judged.values())
    rows.append(["all", f"{nights:,}", str(alarms), f"1 in {nights / alarms:,.0f}" if alarms else "none"])
    return markdown_table(["world", "quiet nights", "refused", "by which checks"], rows)


def fault_table(judged: dict[str, Judged]) -> str:
    """Return planted and caught nights by fault."""
    rows = []
    for name in FAULTS:
        planted = sum(result.planted[name] for result in judged.values())
        caught = sum(result.caught[name] for result in judged.values())
        rows.append([name, str(planted), str(caught)])
    return markdown_table(["fault", "planted", "caught"], rows)


def as_result(judged: Judged) -> dict[str, Any]:
    """Return a world's result as the JSON holds it."""
    return {
        "nights": judged.nights,
        "alarms": judged.alarms,
        "by_check": dict(judged.by_check),
        "planted": dict(judged.planted),
        "caught": dict(judged.caught),
    }


if __name__ == "__main__":
    sys.exit(main())
