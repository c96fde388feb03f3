"""One case: a recommender and the attention chain, each with and without the crosses, in one world."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.crosses.history import plays_with_aggregates
from benchmarks.crosses.worlds import (
    CROSSES,
    IDS,
    LAWS,
    MODEL,
    PLAIN,
    SPLITS,
    WEIGHTINGS,
    config_of,
    narrowed,
    with_features,
    world_of,
)
from benchmarks.downstream.worlds import evaluation_plays
from benchmarks.estimators.simulated import SimulatedPlays, join, write_simulated_snapshot
from benchmarks.estimators.trials import attention_of, auc_of, networks_of, train_here
from uae_model.config import Config
from uae_model.evaluation.attention import TrainedAttention
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION
from uae_model.evaluation.trials import Trial, TrialRunner
from uae_model.simulation.world import World

Splits = Mapping[int, SimulatedPlays]


@dataclass(frozen=True)
class CrossesCase:
    """What one process measures: the world of a law and a seed."""

    law: str
    seed: int
    users: int

    @property
    def name(self) -> str:
        """A name for files and the progress bar."""
        return f"{self.law}-{self.seed}-{self.users}"


def measure(case: CrossesCase, folder: Path) -> dict[str, Any]:
    """Return the figures of a case as JSON values; what it keeps lies in a folder of its own."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    place = folder / case.name
    world, config = world_of(case.law, case.seed, case.users), config_of(case.seed)
    days = [day for split in SPLITS.values() for day in split]
    by_day = dict(zip(days, plays_with_aggregates(world, days, config, place / "history"), strict=True))
    splits = {split: join([by_day[day] for day in of_split]) for split, of_split in SPLITS.items()}
    figures = {
        "case": asdict(case),
        "law": dict(LAWS[case.law].law),
        "plays": splits[TRAIN].plays,
        "judged_plays": splits[TEST].plays,
        "active_share": float(splits[TRAIN].feedback_N.mean()),
        "history_seconds": time.perf_counter() - started,
        "recommender": _recommender(world, splits, config, case.seed, place),
        "chain": _chain(world, splits, config, place),
    }
    return {**figures, "seconds": time.perf_counter() - started}


def _recommender(
    world: World, splits: Splits, config: Config, seed: int, folder: Path
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the metrics of the base model by weighting and features.

    Attention is estimated once, from the plain features: only what the recommender sees differs.
    """
    plain = with_features(config, PLAIN)
    seen = {split: narrowed(plays, config, PLAIN) for split, plays in splits.items()}
    manifest = write_simulated_snapshot(folder / "snapshot", seen[TRAIN], seen[VALIDATION], plain)
    source = TrainedAttention(
        evaluation_plays(world, seen, SPLITS), lambda: manifest.root, plain, str(folder)
    )
    metrics: dict[str, dict[str, dict[str, float]]] = {weighting: {} for weighting in WEIGHTINGS}
    for features, names in (("without", IDS), ("with", (*IDS, *CROSSES))):
        parts = {split: narrowed(plays, config, names) for split, plays in splits.items()}
        plays = evaluation_plays(world, parts, SPLITS)
        runner = TrialRunner(plays, source, with_features(config, names))
        for weighting in WEIGHTINGS:
            result = runner.run(Trial(MODEL, weighting, seed))
            metrics[weighting][features] = dict(result.metrics)
    return metrics


def _chain(world: World, splits: Splits, config: Config, folder: Path) -> dict[str, dict[str, float]]:
    """Return how well the chain, told the true stickiness, does without and with the crosses."""
    changed = {"estimator": "chain", "stickiness": (world.stickiness,)}
    settings = config.training.model_copy(update=changed)
    figures = {}
    for features, names in (("without", PLAIN), ("with", (*PLAIN, *CROSSES))):
        seen = {split: narrowed(plays, config, names) for split, plays in splits.items()}
        place = folder / f"chain-{features}"
        shutil.rmtree(place, ignore_errors=True)  # what a killed run left would be taken up again
        manifest = write_simulated_snapshot(
            place / "snapshot", seen[TRAIN], seen[VALIDATION], with_features(config, names)
        )
        result = train_here(manifest, config, settings, place / "checkpoints")
        judged = seen[TEST]
        passive_N = judged.feedback_N == 0
        attention_N = attention_of(networks_of(result), judged, config)
        figures[features] = {
            "auc_p": auc_of(attention_N[passive_N], judged.attended_N[passive_N]),
            "nll": result.metrics["validation_nll"],
        }
    return figures
