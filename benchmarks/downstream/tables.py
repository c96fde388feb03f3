"""The findings of the downstream benchmark as Markdown, and the claims that they are held to."""

from __future__ import annotations

from benchmarks.claims import Claim
from benchmarks.downstream.worlds import GRIDS
from uae_model.config.weight_sections import WeightSettings
from uae_model.evaluation.comparison import BASE, SIGNIFICANT, Findings, Gain
from uae_model.evaluation.labels import SETTINGS
from uae_model.evaluation.tables import format_summary
from uae_model.evaluation.trials import TrialResult
from uae_model.evaluation.weight_rules import parse_rule
from uae_model.pages.markdown import markdown_table

GAUC = "gauc_clicks"
TRUE = f"true_relevance.{GAUC}"
OVER_CONSTANT = 0.01
OVER_UAE = 2.0
Results = dict[str, list[TrialResult]]


def tables(results: Results) -> dict[str, str]:
    """Return the GAUC of every weighting and base model, a table for each grid and label setting.

    The keys are the blocks of docs/benchmarks/recommenders.md; the last one says which claims hold.
    """
    blocks = {}
    for name, measured in results.items():
        findings = Findings(measured)
        grid = GRIDS[name]
        seeds = len(findings.seeds)
        for setting, title in SETTINGS.items():
            caption = f"GAUC, {grid.title}; {seeds} seeds; {title}:"
            table = _gauc_table(findings, f"{setting}.{GAUC}")
            blocks[f"downstream-{name}-{setting}"] = f"{caption}\n\n{table}"
    blocks["downstream-claims"] = "\n".join(f"- {claim.line()}" for claim in claims(results))
    return blocks


def claims(results: Results) -> list[Claim]:
    """Return the claims on GAUC against true relevance, for every model of the grids that can show them."""
    listed = []
    for name in ("full", "seven"):
        findings = Findings(results.get(name, []))
        for model in findings.models:
            listed += _claims_of(findings, model, GRIDS[name].title)
    return listed


def _claims_of(findings: Findings, model: str, grid: str) -> list[Claim]:
    over_base = findings.gain(model, "auto", TRUE)
    over_constant = findings.gain(model, "auto", TRUE, over="constant")
    uae = findings.gain(model, "uae", TRUE)
    if over_base is None or over_constant is None or uae is None:
        return []
    where = f"{model} ({grid})"
    beats_constant = over_constant.difference >= OVER_CONSTANT and _significant(over_constant)
    return [
        Claim(f"{where}: auto beats base, p < 0.05", _told(over_base), over_base.significant),
        Claim(
            f"{where}: auto gains at least twice what UAE (gamma 15) gains",
            f"{_told(over_base)} against {_told(uae)}",
            over_base.difference > 0 and over_base.difference >= OVER_UAE * uae.difference,
        ),
        Claim(
            f"{where}: auto beats a constant of the same mean by 1.0 point, p < 0.05",
            _told(over_constant),
            beats_constant,
        ),
    ]


def _significant(gain: Gain) -> bool:
    return gain.p_value is not None and gain.p_value < SIGNIFICANT


def _told(gain: Gain) -> str:
    p_value = "" if gain.p_value is None else f" (p = {gain.p_value:.2g})"
    return f"{100 * gain.difference:+.2f} points{p_value}"


def _gauc_table(findings: Findings, metric: str) -> str:
    rows = []
    for weighting in findings.weightings:
        means = [findings.summary(model, weighting, "mean_passive_weight") for model in findings.models]
        mean = next((summary.mean for summary in means if summary is not None), 0.0)
        cells = [parse_rule(weighting, WeightSettings()).title, f"{mean:.3f}"]
        cells += [_cell(findings, model, weighting, metric) for model in findings.models]
        rows.append(cells)
    return markdown_table(("weights", "mean passive weight", *findings.models), rows)


def _cell(findings: Findings, model: str, weighting: str, metric: str) -> str:
    gain = None if weighting == BASE else findings.gain(model, weighting, metric)
    shown = format_summary(findings.summary(model, weighting, metric), gain)
    return shown if gain is None else f"{shown} ({100 * gain.difference:+.2f})"
