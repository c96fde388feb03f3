"""Evaluation downstream: plays and truth of some days, all trials, tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from uae_model.config import Config
from uae_model.config.evaluation import CHAMPION
from uae_model.core.dates import days_between
from uae_model.core.errors import UsageError
from uae_model.core.logs import warn
from uae_model.evaluation.attention import AttentionSource, ChampionBeside, TrainedAttention
from uae_model.evaluation.comparison import Findings
from uae_model.evaluation.document import write_document
from uae_model.evaluation.grid import TrialStore, run_grid, trials_of
from uae_model.evaluation.page import document_of
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION
from uae_model.evaluation.rows import Splits
from uae_model.evaluation.trials import TrialRunner
from uae_model.evaluation.weight_choice import weighed_attention
from uae_model.evaluation.weight_rules import parse_rule
from uae_model.lake import TableStore
from uae_model.models.pair import NetworkPair
from uae_model.pipeline.evaluation_plays import evaluation_plays
from uae_model.pipeline.steps.features import require_features
from uae_model.pipeline.steps.training import require_plays, training_days
from uae_model.snapshot.write import write_snapshot

if TYPE_CHECKING:
    from uae_model.registry.client import Champion


def evaluate(
    store: TableStore, trials: TrialStore, last: date, champion: Callable[[], Champion]
) -> dict[str, Any]:
    """Run what is missing of the grid and write its tables; return where they are and the counts.

    Args:
        store: with the plays of the days, and the simulation's truth where there is one.
        trials: where finished trials are kept.
        last: the last test day.
        champion: loads the registered champion; called where the weightings name it.

    Raises:
        ModelError: if they name it and there is none.
        UsageError: if it was trained or validated on a test day, or on later ones.
        InputError: naming the days without plays, or without current features.
    """
    config = store.config
    splits = evaluation_days(last, config)
    every_day = [day for days in splits.values() for day in days]
    require_plays(store, every_day)
    require_features(store, every_day)
    loaded = None
    if CHAMPION in (parse_rule(name, config.weights).source for name in config.evaluation.weightings):
        loaded = champion()
        _require_later_days(loaded, splits[TEST][0])
    plays = evaluation_plays(store, splits, config.evaluation.max_plays)
    folder = f"{config.paths.checkpoints.rstrip('/')}/evaluation"
    source: AttentionSource = TrainedAttention(
        plays, lambda: write_snapshot(store, splits[TRAIN], splits[VALIDATION]).root, config, folder
    )
    if loaded is not None:
        _, attention_N = weighed_attention(plays, NetworkPair.from_state(loaded.state), config)
        source = ChampionBeside(attention_N, source)
    runner = TrialRunner(
        plays,
        source,
        config,
        without_gaps=config.evaluation.max_plays is not None,
        champion=f"{loaded.attention_version} {loaded.digest}" if loaded else "",
    )
    results = run_grid(runner, trials_of(config.evaluation), trials)
    document = document_of(runner, Findings(results), last)
    return {
        "plays": len(plays),
        "users": len(np.unique(plays.user_N)),
        "trials": len(results),
        **write_document(document, config.paths.reports, last),
    }


def _require_later_days(champion: Champion, first: date) -> None:
    """Raise UsageError if the champion knows plays of the test days or of later ones."""
    if champion.last_day is None:
        warn(
            "the registry does not tell which days the champion was trained on; its figures are too good if "
            "test days are among them",
            attention_version=champion.attention_version,
        )
    elif first <= champion.last_day:
        earliest = champion.last_day + timedelta(days=1)
        raise UsageError(
            f"version {champion.attention_version}, the champion, was trained and validated on days up to "
            f"{champion.last_day}, and plays from {first} on would judge it; give a --date with which all "
            f"test days (evaluation.test_days) are {earliest} or later, or leave champion out of "
            "evaluation.weightings"
        )


def evaluation_days(last: date, config: Config) -> Splits:
    """Return the days of each split: test days up to ``last``, before them validation, then training."""
    test = [date.fromordinal(last.toordinal() - back) for back in range(config.evaluation.test_days)][::-1]
    train, validation = training_days(date.fromordinal(test[0].toordinal() - 1), config)
    return {TRAIN: train, VALIDATION: validation, TEST: list(days_between(test[0], last))}
