"""The paper's Tables IV and V for any evaluation."""

from __future__ import annotations

import math

from uae_model.evaluation.comparison import BASE, Findings, Gain, Summary
from uae_model.evaluation.document import TextTable
from uae_model.evaluation.labels import METRICS, PART_METRIC, SETTINGS

NOTHING = "–"

STAR = "'*': better than the base with p < 0.05 (paired t-test over the seeds)."
UNITS = "Percent, mean ± standard deviation over the seeds."
RELATIVE = "RelaImpr is against the base, in percent, where the base has 51 at least."


def table_four(findings: Findings, setting: str, titles: dict[str, str]) -> TextTable:
    """Return Table IV: base models in columns; base, each weighting and its RelaImpr in rows."""
    rows = []
    for metric, metric_title in METRICS.items():
        name = f"{setting}.{metric}"
        for weighting in [w for w in findings.weightings if w == BASE] + _others(findings):
            shown = [_value(findings, model, weighting, name) for model in findings.models]
            label = titles[weighting] if weighting == BASE else f"+ {titles[weighting]}"
            rows.append((metric_title, label, *shown))
            if weighting != BASE:
                gains = [findings.gain(model, weighting, name) for model in findings.models]
                rows.append((metric_title, "RelaImpr", *(_relative(gain) for gain in gains)))
    return TextTable(
        caption=f"By base model: {SETTINGS[setting]}",
        header=("metric", "weights", *findings.models),
        rows=tuple(rows),
        labels=2,
    )


def table_five(findings: Findings, setting: str, titles: dict[str, str]) -> TextTable:
    """Return Table V: weightings in columns; each base model's metrics and their RelaImpr in rows."""
    rows = []
    weightings = [w for w in findings.weightings if w == BASE] + _others(findings)
    for model in findings.models:
        for metric, metric_title in METRICS.items():
            name = f"{setting}.{metric}"
            shown = [_value(findings, model, weighting, name) for weighting in weightings]
            gains = [findings.gain(model, weighting, name) for weighting in weightings]
            rows.append((model, metric_title, *shown))
            rows.append((model, "RelaImpr", *(_relative(gain) for gain in gains)))
    return TextTable(
        caption=f"By weighting: {SETTINGS[setting]}",
        header=("base model", "metric", *(titles[weighting] for weighting in weightings)),
        rows=tuple(rows),
        labels=2,
    )


def table_of_one(findings: Findings, setting: str, titles: dict[str, str]) -> TextTable:
    """Return the figures of the only base model: weightings in rows; gain in GAUC and metrics in columns."""
    (model,) = findings.models
    names = [f"{setting}.{metric}" for metric in METRICS]
    rows = []
    for weighting in [w for w in findings.weightings if w == BASE] + _others(findings):
        shown = [_value(findings, model, weighting, name) for name in names]
        gain = None
        if weighting != BASE:
            gain = findings.gain(model, weighting, f"{setting}.{PART_METRIC}")
        rows.append((titles[weighting], _points(gain), *shown))
    return TextTable(
        caption=f"{model}: {SETTINGS[setting]}",
        header=("weights", "gain in GAUC by clicks, points (95 % interval)", *METRICS.values()),
        rows=tuple(rows),
        labels=1,
    )


def _points(gain: Gain | None) -> str:
    if gain is None:
        return NOTHING
    told = f"{100 * gain.difference:+.2f}"
    if gain.interval is None:
        return told
    low, high = (100 * end for end in gain.interval)
    return f"{told} ({low:+.2f} to {high:+.2f})"


def _others(findings: Findings) -> list[str]:
    return [weighting for weighting in findings.weightings if weighting != BASE]


def _value(findings: Findings, model: str, weighting: str, metric: str) -> str:
    summary = findings.summary(model, weighting, metric)
    gain = None if weighting == BASE else findings.gain(model, weighting, metric)
    return format_summary(summary, gain)


def format_summary(summary: Summary | None, gain: Gain | None) -> str:
    """Return ``58.44 ± 0.12*``, in percent."""
    if summary is None:
        return NOTHING
    spread = "" if summary.deviation is None else f" ± {100 * summary.deviation:.2f}"
    star = "*" if gain is not None and gain.significant else ""
    return f"{100 * summary.mean:.2f}{spread}{star}"


def _relative(gain: Gain | None) -> str:
    return NOTHING if gain is None or math.isnan(gain.relative) else f"{gain.relative:+.2f}"
