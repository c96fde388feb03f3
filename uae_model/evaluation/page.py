"""What an evaluation has to say: its trials as sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from uae_model.evaluation.comparison import BASE, Findings
from uae_model.evaluation.document import Document, Figure, TextTable
from uae_model.evaluation.figures import by_weighting, gamma_curves
from uae_model.evaluation.labels import SETTINGS, judged_plays
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION
from uae_model.evaluation.sentences import sentences
from uae_model.evaluation.tables import RELATIVE, STAR, UNITS, table_five, table_four, table_of_one
from uae_model.evaluation.trials import TrialRunner
from uae_model.evaluation.verdict import verdict

GAMMAS = (5.0, 10.0, 15.0, 20.0, 25.0)
"""Of the paper's Fig. 6."""


def document_of(runner: TrialRunner, findings: Findings, last: date) -> Document:
    """Return what the trials of an evaluation say, whose last test day is ``last``."""
    titles = {name: runner.rule(name).title for name in findings.weightings}
    settings = list(judged_plays(runner.plays))
    return Document(
        title=f"Weights downstream, judged on plays up to {last}",
        findings=sentences(findings, settings, titles),
        notes=(_note(runner), UNITS, *((RELATIVE,) if len(findings.models) > 1 else ()), STAR),
        tables=tuple(build(findings, setting, titles) for setting in settings for build in _tables(findings)),
        figures=tuple(_figures(runner, findings)),
        verdict=verdict(findings, settings, titles),
    )


def _tables(findings: Findings) -> tuple[Callable[[Findings, str, dict[str, str]], TextTable], ...]:
    """Return the tables to build: one base model has room for all metrics side by side."""
    return (table_four, table_five) if len(findings.models) > 1 else (table_of_one,)


def _figures(runner: TrialRunner, findings: Findings) -> list[Figure]:
    """Return Fig. 6 of the paper: the weight functions, and each model's GAUC by weighting."""
    figures = []
    if any(runner.rule(weighting).function == "power" for weighting in findings.weightings):
        figures.append(Figure("Weight functions (Eq. 19 and linear).", gamma_curves(GAMMAS)))
    setting = next(iter(judged_plays(runner.plays)))
    metric = f"{setting}.gauc_clicks"
    for number, model in enumerate(findings.models):
        trials = {
            runner.rule(weighting).title: summary
            for weighting in findings.weightings
            if weighting != BASE and (summary := findings.summary(model, weighting, metric)) is not None
        }
        if trials:
            base = findings.summary(model, BASE, metric)
            spread = ", with the standard deviation over the seeds" if len(findings.seeds) > 1 else ""
            caption = f"{model} by weighting, {SETTINGS[setting]}{spread}."
            drawn = by_weighting(trials, f"{model}: GAUC", base, f"weighting-{number}")
            figures.append(Figure(caption, drawn))
    return figures


def _note(runner: TrialRunner) -> str:
    plays, settings = runner.plays, runner.config.evaluation
    counts = [int((plays.split_N == split).sum()) for split in (TRAIN, VALIDATION, TEST)]
    sample = ""
    if settings.max_plays is not None:
        sample = (
            f"A quick look: {len(np.unique(plays.user_N)):,} users with all of their plays, drawn by a hash "
            f"for about {settings.max_plays:,} plays (evaluation.max_plays), the same for all weightings. "
        )
    return (
        f"{sample}{counts[0]:,} plays to train on, {counts[1]:,} to stop by, {counts[2]:,} to judge; "
        f"seeds {_listed(settings.seeds)}. The gains of a label setting say nothing about another setting."
    )


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
