"""One cell: every estimator of a list trained on one world, and judged on days that it never saw."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.estimators.oracle import oracle_attention
from benchmarks.estimators.simulated import Array, SimulatedPlays, simulate_plays, write_simulated_snapshot
from benchmarks.estimators.worlds import (
    AUTO_ALONE,
    COST,
    ESTIMATORS,
    MAIN,
    SETTINGS,
    SIZES,
    TRAINING_DAYS,
    UAE_OPTIONS,
    VALIDATION_DAYS,
    Changes,
)
from uae_model.config import Config, load_config
from uae_model.config.model_sections import TrainingSettings
from uae_model.models.inference import predict_sessions
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.report.recovery import calibration_error, reliability, roc_auc
from uae_model.snapshot.manifest import Manifest
from uae_model.training.job import TrainingJob, TrainingResult
from uae_model.training.loop import Trainer
from uae_model.training.reporting import SilentReporter
from uae_model.weights.functions import shifted
from uae_model.weights.resolution import resolve_weight_function

PLANS: dict[str, dict[str, Changes]] = {
    "estimators": ESTIMATORS,
    "main": MAIN,
    "options": UAE_OPTIONS,
    "auto": AUTO_ALONE,
    "cost": COST,
}


@dataclass(frozen=True)
class EstimatorCase:
    """What one process measures: the plan's estimators in one world."""

    plan: str
    setting: str
    size: str
    seed: int

    @property
    def name(self) -> str:
        """A name for files and the progress bar."""
        return f"{self.plan}-{self.setting}-{self.size}-{self.seed}"


@dataclass
class Score:
    """How one estimator did. ``auc_p``: ROC-AUC of the attention used for weighting, passive plays only."""

    auc_p: float
    nll: float
    chosen: str
    mean_attention: float
    mean_propensity: float
    collapsed: bool
    attention_clamped: float | None
    propensity_clamped: float | None
    mean_interval: tuple[float, float] | None
    """Of mean attention, lowest and highest, where training gives one."""
    calibration: dict[str, float]


def measure(case: EstimatorCase) -> dict[str, Any]:
    """Return the scores of the plan's estimators and the ceilings, as JSON values."""
    torch.set_num_threads(1)
    setting = SETTINGS[case.setting]
    world, config = setting.world(case.seed, SIZES[case.size]), setting.config(case.seed)
    last = TRAINING_DAYS + VALIDATION_DAYS
    train = simulate_plays(world, range(TRAINING_DAYS), config)
    validation = simulate_plays(world, range(TRAINING_DAYS, last), config)
    held_out = simulate_plays(world, range(last, world.days), config)
    passive_N = held_out.feedback_N == 0
    oracle_N = oracle_attention(world, held_out)
    scores: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        manifest = write_simulated_snapshot(Path(folder) / "snapshot", train, validation, config)
        for number, (name, changes) in enumerate(PLANS[case.plan].items()):
            told = config_with(config, changes)
            started = time.perf_counter()
            result = train_here(manifest, told, told.training, Path(folder) / f"checkpoints-{number}")
            seconds = time.perf_counter() - started
            score = _judge(result, config, held_out, mean=float(validation.attended_N.mean()))
            scores[name] = {**asdict(score), "seconds": seconds}
    return {
        "case": asdict(case),
        "plays": train.plays,
        "held_out_passive_plays": int(passive_N.sum()),
        "active_share": float(train.feedback_N.mean()),
        "attended_share": float(train.attended_N.mean()),
        "validation_attended_share": float(validation.attended_N.mean()),
        "oracle_auc_p": auc_of(oracle_N[passive_N], held_out.attended_N[passive_N]),
        "scores": scores,
    }


def config_with(config: Config, changes: Changes) -> Config:
    """Return the configuration with other settings of ``training``, or those of a whole profile first."""
    others = dict(changes)
    if profile := others.pop("profile", None):
        named = load_config(None, profile=profile)
        seed = {"seed": config.training.seed}
        config = config.model_copy(
            update={"network": named.network, "training": named.training.model_copy(update=seed)}
        )
    return config.model_copy(update={"training": config.training.model_copy(update=others)})


def train_here(
    manifest: Manifest, config: Config, settings: TrainingSettings, checkpoints: Path
) -> TrainingResult:
    """Train as ``uae train`` does, as the only rank and in this process."""
    job = TrainingJob(manifest.root, config.network, settings, str(checkpoints))
    return Trainer(job, ProcessGroup(), SilentReporter()).train()


def networks_of(result: TrainingResult) -> NetworkPair:
    """Return the trained pair.

    Raises:
        ModelError: if the training left none.
    """
    return NetworkPair.from_state(result.state())


def attention_of(pair: NetworkPair, plays: SimulatedPlays, config: Config) -> Array:
    """Return the attention that the estimator is meant to be used with, of every play."""
    attention, _ = predict_sessions(
        pair,
        plays.categorical_NF.astype(np.int64),
        plays.numeric_NF,
        plays.feedback_N,
        plays.lengths_S,
        config.scoring.batch_plays,
    )
    return attention


def auc_of(score: Array, positive: Array) -> float:
    """Return the exact ROC-AUC; ties count half.

    Raises:
        ValueError: if one class is missing.
    """
    _, bin_of = np.unique(score, return_inverse=True)
    positives = np.bincount(bin_of, weights=positive).astype(np.int64)
    auc, _ = roc_auc(positives, np.bincount(bin_of) - positives)
    if auc is None:
        raise ValueError("the AUC needs plays of both classes")
    return auc


def expected_calibration_error(estimated: Array, true: Array) -> float:
    """Return the mean distance between estimate and truth over ten groups of equal size."""
    order = np.argsort(estimated, kind="stable")
    ones = np.ones(len(order), dtype=np.int64)
    return calibration_error(reliability(ones, true[order].astype(np.int64), estimated[order]))


def _judge(result: TrainingResult, config: Config, held_out: SimulatedPlays, mean: float) -> Score:
    pair = networks_of(result)
    passive_N = held_out.feedback_N == 0
    attention = attention_of(pair, held_out, config)[passive_N]
    attended = held_out.attended_N[passive_N]
    metrics = result.metrics
    calibration = {"as trained": expected_calibration_error(attention, attended)}
    for name, known in (("known mean", mean), ("half the mean", mean / 2), ("twice the mean", mean * 2)):
        weights = config.weights.model_copy(update={"attention_mean": known})
        moved = shifted(attention, resolve_weight_function(weights, pair.traits, pair.calibration).shift)
        calibration[name] = expected_calibration_error(moved, attended)
    return Score(
        auc_p=auc_of(attention, attended),
        nll=metrics["validation_nll"],
        chosen=result.candidates[0]["name"],
        mean_attention=metrics["validation_mean_attention"],
        mean_propensity=metrics["validation_mean_propensity"],
        collapsed=metrics["validation_collapsed"] > 0,
        attention_clamped=metrics.get("train_attention_clamped"),
        propensity_clamped=metrics.get("train_propensity_clamped"),
        mean_interval=(metrics["attention_mean_low"], metrics["attention_mean_high"])
        if "attention_mean_low" in metrics
        else None,
        calibration=calibration,
    )
