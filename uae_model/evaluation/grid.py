"""A grid of trials: what an earlier call has computed is kept, the rest is computed, each as it is done."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Protocol

from uae_model.config.evaluation import EvaluationSettings
from uae_model.core.logs import log
from uae_model.core.progress import progress
from uae_model.evaluation.trials import Trial, TrialResult, TrialRunner


class TrialStore(Protocol):
    """Where results outlive the process."""

    def known(self) -> dict[str, dict[str, float]]:
        """Return the metrics of every finished trial by its key."""
        ...

    def save(self, key: str, result: TrialResult) -> None:
        """Record a finished trial, wholly or not at all."""
        ...


def trials_of(settings: EvaluationSettings) -> list[Trial]:
    """Return the grid, seeds first, so that an interrupted run has whole seeds."""
    return [
        Trial(model, weighting, seed)
        for seed, weighting, model in product(settings.seeds, settings.weightings, settings.models)
    ]


def run_grid(runner: TrialRunner, trials: Sequence[Trial], store: TrialStore) -> list[TrialResult]:
    """Return the results of all trials, computing those that the store does not know."""
    known = store.known()
    keys = [runner.key(trial) for trial in trials]
    missing = sum(key not in known for key in keys)
    log("evaluation started", trials=len(trials), missing=missing)
    results = []
    with progress("evaluate", len(trials), "trials", len(trials) - missing) as counter:
        for key, trial in zip(keys, trials, strict=True):
            if key in known:
                results.append(TrialResult(trial, known[key]))
                continue
            result = runner.run(trial)
            store.save(key, result)
            results.append(result)
            counter.advance()
    return results
