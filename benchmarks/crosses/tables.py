"""The findings as Markdown, and the claims that they are held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.claims import Claim
from benchmarks.crosses.worlds import CLAIMED, LAWS, MODEL, WEIGHTINGS
from benchmarks.estimators.tables import spread
from uae_model.config.weight_sections import WeightSettings
from uae_model.evaluation.comparison import SIGNIFICANT, paired_p_value
from uae_model.evaluation.weight_rules import parse_rule
from uae_model.pages.markdown import markdown_table

Result = dict[str, Any]

TRUE_AUC = "true_relevance.auc"
SAME_AUC_P = 0.002
"""What another start of the chain moves its auc_p by: a smaller loss is none."""


@dataclass(frozen=True)
class Pair:
    """One figure by seed, without and with the crosses."""

    title: str
    without: tuple[float, ...]
    with_crosses: tuple[float, ...]

    @property
    def gain(self) -> float:
        """The difference of the means."""
        return float(np.mean(self.with_crosses) - np.mean(self.without))

    @property
    def p_value(self) -> float | None:
        """Of the two-sided paired t-test; None with one seed."""
        return paired_p_value(np.array(self.with_crosses), np.array(self.without))

    @property
    def raised(self) -> bool:
        """Whether the crosses raise the figure, p < 0.05."""
        return self.gain > 0 and self.p_value is not None and self.p_value < SIGNIFICANT

    def told(self) -> str:
        """Return gain and p."""
        p_value = "" if self.p_value is None else f" (p = {self.p_value:.2g})"
        return f"{self.gain:+.4f}{p_value}"

    def row(self) -> list[str]:
        """Return the cells of a row of the table."""
        p_value = "" if self.p_value is None else f"{self.p_value:.2g}"
        return [self.title, spread(self.without), spread(self.with_crosses), f"{self.gain:+.4f}", p_value]


def tables(results: Sequence[Result]) -> dict[str, str]:
    """Return a table for each world, and whether the claims hold, by the blocks of recommenders.md."""
    blocks = {}
    for law in _laws(results):
        cases = _of_law(results, law)
        header = (f"{LAWS[law].title}; {len(cases)} seeds", "without", "with the crosses", "gain", "p")
        pairs = [
            *(_recommender(cases, weighting) for weighting in WEIGHTINGS),
            *(_chain(cases, metric) for metric in ("auc_p", "nll")),
        ]
        blocks[f"crosses-{law}"] = markdown_table(header, [pair.row() for pair in pairs])
    blocks["crosses-claims"] = "\n".join(f"- {claim.line()}" for claim in claims(results))
    return blocks


def claims(results: Sequence[Result]) -> list[Claim]:
    """Return what issue 5 wants, for every world that was measured."""
    checked = []
    for law in _laws(results):
        cases, where = _of_law(results, law), LAWS[law].title
        for weighting in CLAIMED:
            pair = _recommender(cases, weighting)
            text = f"{where}: crosses raise the {pair.title}, p < 0.05"
            checked.append(Claim(text, pair.told(), pair.raised))
        pair = _chain(cases, "auc_p")
        text = f"{where}: auc_p of the chain does not fall by more than {SAME_AUC_P:g}"
        checked.append(Claim(text, pair.told(), pair.gain >= -SAME_AUC_P))
    return checked


def _recommender(cases: Sequence[Result], weighting: str) -> Pair:
    title = f"{MODEL}, weights: {parse_rule(weighting, WeightSettings()).title}"
    return _pair(f"AUC of {title}", cases, lambda case: case["recommender"][weighting], TRUE_AUC)


def _chain(cases: Sequence[Result], metric: str) -> Pair:
    return _pair(f"{metric} of the chain", cases, lambda case: case["chain"], metric)


def _pair(title: str, cases: Sequence[Result], part: Callable[[Result], Result], metric: str) -> Pair:
    without, with_crosses = (
        tuple(float(part(case)[features][metric]) for case in cases) for features in ("without", "with")
    )
    return Pair(title, without, with_crosses)


def _laws(results: Sequence[Result]) -> list[str]:
    return [law for law in LAWS if _of_law(results, law)]


def _of_law(results: Sequence[Result], law: str) -> list[Result]:
    return [case for case in results if case["case"]["law"] == law]
