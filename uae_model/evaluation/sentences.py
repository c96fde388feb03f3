"""Three sentences that say what an evaluation found and what it did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uae_model.config.estimators import AUTO, CATALOGUE
from uae_model.config.evaluation import CHAMPION
from uae_model.evaluation.comparison import BASE, SIGNIFICANT, Findings, Gain
from uae_model.evaluation.labels import SETTINGS

METRIC = "gauc_clicks"
CONSTANT = "constant"
PREFERRED = (
    CHAMPION,
    AUTO,
    *(entry.name for entry in sorted(CATALOGUE, key=lambda entry: not entry.is_sticky)),
)
"""Whose weights the sentences are about: the first of these that was compared."""


def sentences(findings: Findings, settings: Sequence[str], titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return what was found against the base, against a constant weight, and what was not found.

    Args:
        findings: all trials.
        settings: the label settings that could be judged, the most trustworthy first.
        titles: of the weightings, by name.
    """
    subject = subject_of(findings)
    if subject is None:
        return ("No weighting by an estimated attention was compared, so nothing was found about one.",)
    title, setting = titles[subject], settings[0]
    over_base = _gains(findings, subject, setting, BASE)
    over_constant = _gains(findings, subject, setting, CONSTANT)
    return (
        f"Judged by {SETTINGS[setting]}, weights from {title} change GAUC against the base by "
        f"{_told(over_base)}.",
        _against_constant(title, over_constant),
        _not_found(findings, subject, settings, over_base, over_constant),
    )


def subject_of(findings: Findings) -> str | None:
    """Return the weighting that the sentences are about, None where no estimated attention was compared."""
    return next((name for name in PREFERRED if name in findings.weightings), None)


def _against_constant(title: str, gains: Mapping[str, Gain]) -> str:
    if not gains:
        return (
            "No constant weight of the same mean was compared: how much of the change comes from which plays "
            f"{title} believes, and how much from passive plays weighing less, is not known."
        )
    return (
        f"Against a constant weight of the same mean, which knows nothing of attention, {title} changes GAUC "
        f"by {_told(gains)}: that part comes from which plays it believes."
    )


def _not_found(
    findings: Findings,
    subject: str,
    settings: Sequence[str],
    over_base: Mapping[str, Gain],
    over_constant: Mapping[str, Gain],
) -> str:
    """Return what the seeds do not show, and what the other label settings say."""
    missing = [
        f"a gain over {name} on {', '.join(unsure)}"
        for name, gains in (("the base", over_base), ("the constant", over_constant))
        if (unsure := [model for model, gain in gains.items() if not gain.significant])
    ]
    shown = (
        "Not shown by a test over the seeds (p < 0.05): " + " and ".join(missing)
        if missing
        else "A test over the seeds leaves none of this in doubt (p < 0.05)"
    )
    if len(findings.seeds) < 2:
        shown = "One seed allows no test over seeds: another fit may give another gain"
    others = [
        f"{SETTINGS[setting]} {_told(gains)}"
        for setting in settings[1:]
        if (gains := _gains(findings, subject, setting, BASE))
    ]
    return (
        f"{shown}; judged by other labels the change against the base is: {'; '.join(others) or 'unknown'}."
    )


def _gains(findings: Findings, subject: str, setting: str, over: str) -> dict[str, Gain]:
    if over not in findings.weightings:
        return {}
    gains = {
        model: findings.gain(model, subject, f"{setting}.{METRIC}", over=over) for model in findings.models
    }
    return {model: gain for model, gain in gains.items() if gain is not None}


def _told(gains: Mapping[str, Gain]) -> str:
    """Return ``+1.20 to +3.40 points (better on 2 of 3 base models, on 1 with p < 0.05)``."""
    if not gains:
        return "nothing that could be measured"
    points = sorted(100 * gain.difference for gain in gains.values())
    ends = f"{points[0]:+.2f}" if len(points) == 1 else f"{points[0]:+.2f} to {points[-1]:+.2f}"
    better = sum(point > 0 for point in points)
    surely = sum(gain.significant for gain in gains.values())
    models = f"{len(gains)} base model{'s' if len(gains) > 1 else ''}"
    return f"{ends} points (better on {better} of {models}, on {surely} with p < {SIGNIFICANT:g})"
