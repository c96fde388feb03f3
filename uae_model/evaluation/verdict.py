"""One sentence that answers whether the weights help, or says that the plays are too few to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uae_model.evaluation.comparison import BASE, Findings
from uae_model.evaluation.labels import PART_METRIC, SETTINGS
from uae_model.evaluation.metrics import LEAST_BASE
from uae_model.evaluation.sentences import CONSTANT, subject_of

OTHERS = {BASE: "equal weights", CONSTANT: "a constant weight of the same mean"}
"""What weights are compared with, in this order."""

OUTCOMES = ("better than", "worse than", "on these plays not to be told apart from")
"""What an interval allows to say: it lies above 0, below 0, or holds 0."""


def verdict(findings: Findings, settings: Sequence[str], titles: Mapping[str, str]) -> str:
    """Return the answer by 95 % intervals; empty where nothing was compared or no interval is known.

    Args:
        findings: all trials.
        settings: the label settings that could be judged; the first, the most trustworthy, decides.
        titles: of the weightings, by name.
    """
    subject = subject_of(findings)
    if subject is None:
        return ""
    metric = f"{settings[0]}.{PART_METRIC}"
    told = [
        said
        for name, words in OTHERS.items()
        if name in findings.weightings and (said := _compared(findings, subject, name, words, metric))
    ]
    if not told:
        return ""
    over = "users and seeds"
    if len(findings.seeds) == 1:
        over = "users; one seed does not tell what another fit gives"
    return (
        f"Weights from {titles[subject]} are {', and '.join(told)}. Judged by GAUC on "
        f"{SETTINGS[settings[0]]}, in points, with 95 % intervals over {over}.{_by_chance(findings, metric)}"
    )


def _by_chance(findings: Findings, metric: str) -> str:
    """Return which base models rank by chance with equal weights: they learned too little to tell much."""
    weak = [
        f"{model} ({100 * base.mean:.2f})"
        for model in findings.models
        if (base := findings.summary(model, BASE, metric)) is not None and base.mean < LEAST_BASE
    ]
    if not weak:
        return ""
    listed = ", ".join(weak)
    return f" With equal weights {listed} hardly beats chance (50): the plays or their labels teach little."


def _outcome(low: float, high: float) -> str:
    return OUTCOMES[0] if low > 0 else OUTCOMES[1] if high < 0 else OUTCOMES[2]


def _compared(findings: Findings, subject: str, other: str, words: str, metric: str) -> str:
    """Return the outcomes that occur, as ``better than equal weights for FM (+1.20, +0.40 to +2.00)``."""
    models: dict[str, list[str]] = {}
    for model in findings.models:
        gain = findings.gain(model, subject, metric, over=other)
        if gain is not None and gain.interval is not None:
            low, high = (100 * end for end in gain.interval)
            told = f"{model} ({100 * gain.difference:+.2f}, {low:+.2f} to {high:+.2f})"
            models.setdefault(_outcome(low, high), []).append(told)
    return "; ".join(
        f"{outcome} {words} for {', '.join(models[outcome])}" for outcome in OUTCOMES if outcome in models
    )
