"""The training loop: epochs over a snapshot, accounting, validation, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from tqdm import tqdm

from uae_model.batches import SessionBatch
from uae_model.errors import ContractError, ModelError
from uae_model.estimators import Estimator, StepMetrics, UnbiasedAttentionEstimator
from uae_model.loader import session_batches
from uae_model.logs import log, warn
from uae_model.manifest import Manifest, SnapshotSplit, load_manifest
from uae_model.networks import NetworkShape
from uae_model.pair import NetworkPair
from uae_model.ranks import Ranks, joined_ranks
from uae_model.training.evaluate import evaluate
from uae_model.training.job import (
    TrainingJob,
    TrainingResult,
    load_tensors,
    network_shape,
    save_tensors,
)
from uae_model.training.reporting import Reporter, reporter_for

COLLAPSED = 0.9
"""Above this mean, p^ = 1 (then alpha^ is P(e), the PN solution) or alpha^ = 1 has been reached."""


def train_on_this_rank(job: TrainingJob) -> dict[str, Any]:
    """Train as one of the announced ranks; the entry of TorchDistributor and torchrun."""
    with joined_ranks() as ranks:
        torch.manual_seed(job.training_settings().seed)
        trainer = Trainer(job, ranks, reporter_for(job, ranks.is_first))
        return trainer.train().to_dict()


@dataclass
class Progress:
    """Where a run stands; saved in every checkpoint, equal on all ranks."""

    epoch: int = 0
    step: int = 0
    seen_sessions: int = 0
    seen_plays: int = 0
    metric_sums: dict[str, float] = field(default_factory=dict)
    total_steps: int = 0
    best_epoch: int = -1
    history: list[dict[str, float]] = field(default_factory=list)


class Trainer:
    """Trains one estimator on one snapshot as one of several ranks."""

    def __init__(self, job: TrainingJob, ranks: Ranks, reporter: Reporter) -> None:
        manifest = load_manifest(job.snapshot_root)
        if manifest is None:
            raise ContractError(f"no completed snapshot at {job.snapshot_root}")
        self.job = job
        self.ranks = ranks
        self.reporter = reporter
        self.manifest: Manifest = manifest
        self.settings = job.training_settings()
        self.shape: NetworkShape = network_shape(manifest, job.network_settings())
        self.estimator: Estimator = UnbiasedAttentionEstimator(
            self.shape,
            self.settings,
            manifest.numeric_mean,
            manifest.numeric_deviation,
            ranks.device,
        )
        self.progress = Progress()
        self.best: dict[str, Any] = {}

    @property
    def checkpoint_path(self) -> str:
        """The file a killed run goes on from."""
        return f"{self.job.checkpoint_folder}/checkpoint.pt"

    @property
    def networks_path(self) -> str:
        """The file with the best epoch's networks."""
        return f"{self.job.checkpoint_folder}/networks.pt"

    def train(self) -> TrainingResult:
        """Train to the end and return the best epoch by validation likelihood.

        Raises:
            ContractError: if an epoch read more or fewer sessions or plays than the manifest states.
            ModelError: if the validation loss is no number.
        """
        self._resume()
        while not self._finished():
            self._run_epoch()
        if self.ranks.is_first:
            save_tensors(self.networks_path, self.best)
        best = self.progress.history[self.progress.best_epoch]
        return TrainingResult(
            networks_path=self.networks_path,
            metrics={**best, "best_epoch": float(self.progress.best_epoch), **self._champion_metrics()},
            history=self.progress.history,
            warnings=self._collapse_warnings(best),
        )

    def _finished(self) -> bool:
        at = self.progress
        waited = at.epoch - 1 - at.best_epoch
        return at.epoch >= self.settings.epochs or (at.epoch > 0 and waited >= self.settings.patience)

    def _run_epoch(self) -> None:
        at = self.progress
        batches = self._batches(self.manifest.train, self._epoch_seed(), shuffle=True)
        for _ in islice(batches, at.step):
            pass  # a resumed epoch: these were trained on before the checkpoint
        self._train_batches(batches)
        _check_accounting(self.manifest.train, at.seen_sessions, at.seen_plays, at.epoch)
        steps = max(at.step, 1)
        metrics = {f"train_{name}": total / steps for name, total in at.metric_sums.items()}
        validation = self._validate(NetworkPair.of(self.estimator, self.shape))
        metrics.update({f"validation_{name}": value for name, value in validation.items()})
        self._finish_epoch(metrics)

    def _train_batches(self, batches: Iterator[SessionBatch]) -> None:
        at = self.progress
        bar = tqdm(
            desc=f"epoch {at.epoch + 1}/{self.settings.epochs}",
            total=self.manifest.train.plays,
            initial=at.seen_plays,
            unit=" plays",
            unit_scale=True,
            disable=not self.ranks.is_first,
            mininterval=5.0,
        )
        with bar:
            while True:
                batch = next(batches, None)
                sessions, plays = self._seen_by_all(batch)
                if sessions == 0:
                    return  # every rank has run out
                moved = batch.to(self.ranks.device) if batch is not None else None
                self._count_step(self.estimator.train_step(moved, self.ranks), sessions, plays)
                bar.update(plays)

    def _seen_by_all(self, batch: SessionBatch | None) -> tuple[int, int]:
        counts = [batch.sessions, batch.plays] if batch is not None else [0, 0]
        summed = self.ranks.sum(torch.tensor(counts, dtype=torch.int64, device=self.ranks.device))
        sessions, plays = summed.tolist()
        return sessions, plays

    def _count_step(self, metrics: StepMetrics, sessions: int, plays: int) -> None:
        at = self.progress
        at.step += 1
        at.total_steps += 1
        at.seen_sessions += sessions
        at.seen_plays += plays
        for name, value in metrics.items():
            at.metric_sums[name] = at.metric_sums.get(name, 0.0) + value
        if at.total_steps % 50 == 0:
            self.reporter.report({f"step_{name}": value for name, value in metrics.items()}, at.total_steps)
        every = self.settings.checkpoint_steps
        if every and at.step % every == 0:
            self._save_checkpoint()

    def _finish_epoch(self, metrics: dict[str, float]) -> None:
        at = self.progress
        nll = metrics["validation_nll"]
        if not nll < float("inf"):
            raise ModelError(f"epoch {at.epoch}: the validation loss is {nll}; lower the learning rates")
        at.history.append(metrics)
        if at.best_epoch < 0 or nll < at.history[at.best_epoch]["validation_nll"]:
            at.best_epoch = at.epoch
            self.best = _copy(NetworkPair.of(self.estimator, self.shape).to_state())
        if self.ranks.is_first:
            self.reporter.report(metrics, at.epoch)
            log("epoch finished", epoch=at.epoch, metrics={name: round(v, 5) for name, v in metrics.items()})
        at.epoch += 1
        at.step = at.seen_sessions = at.seen_plays = 0
        at.metric_sums = {}
        self._save_checkpoint()

    def _validate(self, model: NetworkPair) -> dict[str, float]:
        split = self.manifest.validation
        metrics = evaluate(model, self._batches(split, self.settings.seed, shuffle=False), self.ranks)
        _check_accounting(split, int(metrics["sessions"]), int(metrics["plays"]), self.progress.epoch)
        return metrics

    def _champion_metrics(self) -> dict[str, float]:
        """Judge the reigning champion on the same validation plays, for the promotion gate."""
        if not self.job.champion_path:
            return {}
        state = load_tensors(self.job.champion_path)
        if state is None:
            raise ModelError(f"the champion's networks are gone from {self.job.champion_path}")
        champion = NetworkPair.from_state(state, self.ranks.device)
        return {"champion_validation_nll": self._validate(champion)["nll"]}

    def _batches(self, split: SnapshotSplit, seed: int, *, shuffle: bool) -> Iterator[SessionBatch]:
        return session_batches(
            self.manifest,
            split,
            self.shape,
            self.ranks,
            batch_plays=self.settings.batch_plays,
            seed=seed,
            shuffle=shuffle,
        )

    def _epoch_seed(self) -> int:
        return self.settings.seed * 10_007 + self.progress.epoch

    def _collapse_warnings(self, metrics: dict[str, float]) -> list[str]:
        found = []
        for name in ("attention", "propensity"):
            mean = metrics[f"validation_mean_{name}"]
            if mean > COLLAPSED:
                found.append(
                    f"mean {name} is {mean:.3f}: the estimator has collapsed towards {name} = 1 "
                    "and the other network carries P(active) alone"
                )
        if self.ranks.is_first:
            for message in found:
                warn("collapsed solution", message=message)
        return found

    def _save_checkpoint(self) -> None:
        if self.ranks.is_first:
            content = {
                "progress": vars(self.progress),
                "estimator": self.estimator.state(),
                "best": self.best,
            }
            save_tensors(self.checkpoint_path, content)

    def _resume(self) -> None:
        content = load_tensors(self.checkpoint_path)
        if content is None:
            return
        self.progress = Progress(**content["progress"])
        self.estimator.load_state(content["estimator"])
        self.best = content["best"]
        if self.ranks.is_first:
            log("training resumed", epoch=self.progress.epoch, step=self.progress.step)


def _check_accounting(split: SnapshotSplit, sessions: int, plays: int, epoch: int) -> None:
    if (sessions, plays) != (split.sessions, split.plays):
        raise ContractError(
            f"epoch {epoch}, {split.name}: read {sessions} sessions and {plays} plays, the snapshot has "
            f"{split.sessions} and {split.plays}"
        )


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    """Return a copy on the CPU that later steps cannot change."""
    return {
        name: {key: value.detach().cpu().clone() for key, value in content.items()}
        if name in ("attention", "propensity")
        else content
        for name, content in state.items()
    }
