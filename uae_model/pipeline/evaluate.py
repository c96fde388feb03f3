"""Evaluation downstream: plays and truth of some days, all trials, tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from uae_model.config import Config
from uae_model.core.dates import days_between
from uae_model.evaluation.attention import TrainedAttention
from uae_model.evaluation.comparison import BASE, Findings
from uae_model.evaluation.document import Document, Figure, write_document
from uae_model.evaluation.figures import by_weighting, gamma_curves
from uae_model.evaluation.grid import TrialStore, run_grid, trials_of
from uae_model.evaluation.labels import SETTINGS, judged_plays
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION
from uae_model.evaluation.sentences import sentences
from uae_model.evaluation.tables import STAR, UNITS, table_five, table_four
from uae_model.evaluation.trials import TrialRunner
from uae_model.lake import TableStore
from uae_model.pipeline.evaluation_plays import Splits, evaluation_plays
from uae_model.pipeline.steps.features import require_features
from uae_model.pipeline.steps.training import require_plays, training_days
from uae_model.snapshot.write import write_snapshot

GAMMAS = (5.0, 10.0, 15.0, 20.0, 25.0)
"""Of the paper's Fig. 6."""


def evaluate(store: TableStore, trials: TrialStore, last: date) -> dict[str, Any]:
    """Run what is missing of the grid and write its tables; return where they are and the counts.

    Args:
        store: with the plays of the days, and the simulation's truth where there is one.
        trials: where finished trials are kept.
        last: the last test day.

    Raises:
        InputError: naming the days without plays, or without current features.
    """
    config = store.config
    splits = evaluation_days(last, config)
    every_day = [day for days in splits.values() for day in days]
    require_plays(store, every_day)
    require_features(store, every_day)
    plays = evaluation_plays(store, splits)
    sessions = write_snapshot(store, splits[TRAIN], splits[VALIDATION])
    folder = f"{config.paths.checkpoints.rstrip('/')}/evaluation"
    runner = TrialRunner(plays, TrainedAttention(plays, sessions.root, config, folder), config)
    results = run_grid(runner, trials_of(config.evaluation), trials)
    document = _document(runner, Findings(results), last)
    return {
        "plays": len(plays),
        "trials": len(results),
        **write_document(document, config.paths.reports, last),
    }


def evaluation_days(last: date, config: Config) -> Splits:
    """Return the days of each split: test days up to ``last``, before them validation, then training."""
    test = [date.fromordinal(last.toordinal() - back) for back in range(config.evaluation.test_days)][::-1]
    train, validation = training_days(date.fromordinal(test[0].toordinal() - 1), config)
    return {TRAIN: train, VALIDATION: validation, TEST: list(days_between(test[0], last))}


def _document(runner: TrialRunner, findings: Findings, last: date) -> Document:
    titles = {name: runner.rule(name).title for name in findings.weightings}
    settings = list(judged_plays(runner.plays))
    return Document(
        title=f"Weights downstream, judged on plays up to {last}",
        findings=sentences(findings, settings, titles),
        notes=(_note(runner), UNITS, STAR),
        tables=tuple(
            build(findings, setting, titles) for setting in settings for build in (table_four, table_five)
        ),
        figures=tuple(_figures(runner, findings)),
    )


def _figures(runner: TrialRunner, findings: Findings) -> list[Figure]:
    """Return Fig. 6 of the paper: the weight functions, and each model's GAUC by weighting."""
    figures = [Figure("Weight functions (Eq. 19 and linear).", gamma_curves(GAMMAS))]
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
            caption = f"{model} by weighting, {SETTINGS[setting]}."
            drawn = by_weighting(trials, f"{model}: GAUC", base, f"weighting-{number}")
            figures.append(Figure(caption, drawn))
    return figures


def _note(runner: TrialRunner) -> str:
    plays, settings = runner.plays, runner.config.evaluation
    counts = [int((plays.split_N == split).sum()) for split in (TRAIN, VALIDATION, TEST)]
    return (
        f"{counts[0]:,} plays to train on, {counts[1]:,} to stop by, {counts[2]:,} to judge; "
        f"seeds {_listed(settings.seeds)}. The gains of a label setting say nothing about another setting."
    )


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
