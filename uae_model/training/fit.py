"""Training of one candidate: epochs over a snapshot, accounting, validation, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch

from uae_model.core.errors import ContractError, ModelError
from uae_model.core.logs import log
from uae_model.core.progress import progress
from uae_model.estimators import ESTIMATORS, Estimator, StepMetrics
from uae_model.models.batch import SessionBatch
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.snapshot.loader import session_batches
from uae_model.snapshot.manifest import Manifest, SnapshotSplit
from uae_model.training.candidates import Candidate
from uae_model.training.evaluate import evaluate
from uae_model.training.job import TrainingJob, load_tensors, network_shape, save_tensors
from uae_model.training.reporting import Reporter
from uae_model.training.throughput import Throughput

REPORTED_STEPS = 50
"""Steps between two reports of a step's metrics."""

PASS_SEED = 1_000_003
"""Between the seeds of two passes of an epoch."""

EPOCH_STEPS, SMALLEST_BATCH = 150, 256
"""Optimiser steps that an epoch should have, if need be by smaller batches, and the smallest of these: six
epochs of twenty steps would end before a small window is learned (docs/model.md)."""


@dataclass
class Progress:
    """Where a fit stands; saved in every checkpoint, equal on all ranks."""

    epoch: int = 0
    step: int = 0
    seen_sessions: int = 0
    seen_plays: int = 0
    metric_sums: dict[str, float] = field(default_factory=dict)
    metric_steps: dict[str, int] = field(default_factory=dict)
    pass_number: int = 0
    total_steps: int = 0
    best_epoch: int = -1
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class RankData:
    """What this rank reads of a snapshot: its share of the training and of the validation sessions."""

    manifest: Manifest
    job: TrainingJob
    group: ProcessGroup

    @property
    def batch_plays(self) -> int:
        """Padded steps of one process's batch: the configured ones, and fewer in a small window."""
        steps = EPOCH_STEPS * self.group.world_size
        return min(self.job.training.batch_plays, max(SMALLEST_BATCH, self.manifest.train.plays // steps))

    def batches(self, split: SnapshotSplit, seed: int, *, shuffle: bool) -> Iterator[SessionBatch]:
        """Yield this rank's share of a split once."""
        settings = self.job.training
        shape = network_shape(self.manifest, self.job.network, settings)
        return session_batches(
            self.manifest,
            split,
            shape,
            self.group,
            batch_plays=self.batch_plays,
            seed=seed,
            shuffle=shuffle,
        )

    def validation(self) -> Iterator[SessionBatch]:
        """Yield this rank's share of the validation days, always in the same order."""
        return self.batches(self.manifest.validation, self.job.training.seed, shuffle=False)

    def active_rate(self) -> float:
        """Return P(e = 1) of the validation days."""
        totals = torch.zeros(2, dtype=torch.float64, device=self.group.device)
        for batch in self.validation():
            moved = batch.to(self.group.device)
            totals += torch.stack([moved.feedback_BT[moved.mask_BT].double().sum(), moved.mask_BT.sum()])
        active, plays = self.group.sum(totals).tolist()
        return active / plays if plays else 0.0

    def evaluate(self, pair: NetworkPair, when: str) -> dict[str, float]:
        """Judge a pair on the validation days; ``when`` is for the error.

        Raises:
            ContractError: if more or fewer sessions or plays were read than the manifest states.
        """
        metrics = evaluate(pair, self.validation(), self.group)
        counted = int(metrics["sessions"]), int(metrics["plays"])
        check_accounting(self.manifest.validation, *counted, when)
        return metrics


class CandidateFit:
    """One candidate's training on one snapshot, as one of several ranks."""

    def __init__(
        self,
        candidate: Candidate,
        snapshot: RankData,
        reporter: Reporter,
        prefix: str,
        active_rate: float,
        epoch_plays: int | None = None,
    ) -> None:
        """Prepare a fit, or go on from its checkpoint.

        Args:
            candidate: what is trained.
            snapshot: what it is trained on.
            reporter: takes its metrics.
            prefix: of the metrics' names.
            active_rate: P(e = 1), at which the networks of a likelihood start.
            epoch_plays: plays of an epoch, at most: another draw of the window in every epoch; None: all.
        """
        self.candidate = candidate
        self.epoch_plays = epoch_plays if (epoch_plays or 0) < snapshot.manifest.train.plays else None
        self.snapshot = snapshot
        self.group = snapshot.group
        self.reporter = reporter
        self.prefix = prefix
        self.settings = snapshot.job.training
        manifest = snapshot.manifest
        # Every candidate starts from the same draw, whichever came before it.
        torch.manual_seed(self.settings.seed)
        self.estimator: Estimator = ESTIMATORS[candidate.estimator](
            network_shape(manifest, snapshot.job.network, self.settings),
            self.settings,
            manifest.numeric_mean,
            manifest.numeric_deviation,
            self.group.device,
            candidate.law,
        )
        self.estimator.start_at(active_rate)
        self.progress = Progress()
        self.throughput = Throughput()
        self.best: dict[str, Any] = {}
        self._resume()

    @property
    def checkpoint_path(self) -> str:
        """The file a killed run goes on from."""
        part = f"-{self.epoch_plays}" if self.epoch_plays else ""
        return f"{self.snapshot.job.checkpoint_folder}/{self.candidate.name}{part}.pt"

    @property
    def best_metrics(self) -> dict[str, float]:
        """The metrics of the epoch that is kept: the one with the best validation likelihood, or the last."""
        return self.progress.history[self.progress.best_epoch]

    def best_pair(self) -> NetworkPair:
        """Return the networks of the best epoch."""
        return NetworkPair.from_state(self.best, self.group.device)

    def train(self, epochs: int) -> None:
        """Train up to this many epochs in all, or until patience ends.

        Raises:
            ContractError: if an epoch read more or fewer sessions or plays than the manifest states.
            ModelError: if the validation loss is no number.
        """
        while self.progress.epoch < epochs and not self._out_of_patience():
            self._run_epoch()

    def _out_of_patience(self) -> bool:
        at = self.progress
        return at.epoch > 0 and at.epoch - 1 - at.best_epoch >= self.settings.patience

    def _run_epoch(self) -> None:
        at = self.progress
        self.estimator.scale_learning_rates(self.settings.learning_rate_decay**at.epoch)
        while at.pass_number < self.estimator.passes:
            self._run_pass()
        metrics = {f"train_{name}": total / at.metric_steps[name] for name, total in at.metric_sums.items()}
        validation = self.snapshot.evaluate(self.estimator.pair(), f"epoch {at.epoch}")
        metrics.update({f"validation_{name}": value for name, value in validation.items()})
        self._finish_epoch(metrics)

    def _run_pass(self) -> None:
        """Go over the training sessions once; an epoch has one pass, or one for each network in turn."""
        at = self.progress
        self.estimator.start_pass(at.pass_number)
        seed = self.settings.seed * 10_007 + at.epoch + PASS_SEED * at.pass_number
        train = self.snapshot.manifest.train
        batches = self.snapshot.batches(train, seed, shuffle=True)
        for _ in islice(batches, at.step):
            pass  # a resumed pass: these were trained on before the checkpoint
        self._train_batches(batches)
        if self.epoch_plays is None:
            check_accounting(train, at.seen_sessions, at.seen_plays, f"epoch {at.epoch}")
        at.pass_number += 1
        at.step = at.seen_sessions = at.seen_plays = 0

    def _train_batches(self, batches: Iterator[SessionBatch]) -> None:
        at = self.progress
        what = f"{self.candidate.name} epoch {at.epoch + 1}/{self.settings.epochs}"
        if self.estimator.passes > 1:
            what += f" pass {at.pass_number + 1}/{self.estimator.passes}"
        total = self.epoch_plays or self.snapshot.manifest.train.plays
        shown = progress(what, total, "plays", at.seen_plays) if self.group.is_first else nullcontext()
        with shown as counter, closing(self.throughput.timed(batches)) as timed:
            while at.seen_plays < (self.epoch_plays or math.inf):
                batch = next(timed)
                sessions, plays = self._seen_by_all(batch)
                if sessions == 0:
                    return  # every rank has run out
                moved = batch.to(self.group.device) if batch is not None else None
                self._count_step(self.estimator.train_step(moved, self.group), sessions, plays)
                self.throughput.sessions += sessions
                if counter is not None:
                    counter.advance(plays)

    def _seen_by_all(self, batch: SessionBatch | None) -> tuple[int, int]:
        counts = [batch.sessions, batch.plays] if batch is not None else [0, 0]
        summed = self.group.sum(torch.tensor(counts, dtype=torch.int64, device=self.group.device))
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
            at.metric_steps[name] = at.metric_steps.get(name, 0) + 1
        if at.total_steps % REPORTED_STEPS == 0:
            self._report({f"step_{name}": value for name, value in metrics.items()}, at.total_steps)
        every = self.settings.checkpoint_steps
        if every and at.step % every == 0:
            self._save_checkpoint()

    def _finish_epoch(self, metrics: dict[str, float]) -> None:
        at = self.progress
        nll = metrics["validation_nll"]
        if not nll < float("inf"):
            raise ModelError(
                f"{self.candidate.name}, epoch {at.epoch}: the validation loss is {nll}; "
                "lower the learning rates"
            )
        at.history.append(metrics)
        is_best = at.best_epoch < 0 or nll < at.history[at.best_epoch]["validation_nll"]
        if is_best or self.settings.keep_epoch == "last":
            at.best_epoch = at.epoch
            self.best = _copy(self.estimator.pair().to_state())
        self._report(metrics, at.epoch)
        if self.group.is_first:
            shown = {name: round(value, 5) for name, value in metrics.items()}
            told = self.throughput.told()
            log("epoch finished", candidate=self.candidate.name, epoch=at.epoch, metrics=shown, speed=told)
        self.throughput = Throughput()
        at.epoch += 1
        at.pass_number = 0
        at.metric_sums, at.metric_steps = {}, {}
        self._save_checkpoint()

    def _report(self, metrics: dict[str, float], step: int) -> None:
        self.reporter.report({f"{self.prefix}{name}": value for name, value in metrics.items()}, step)

    def _save_checkpoint(self) -> None:
        if self.group.is_first:
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
        if self.group.is_first:
            log(
                "training resumed",
                candidate=self.candidate.name,
                epoch=self.progress.epoch,
                step=self.progress.step,
            )


def check_accounting(split: SnapshotSplit, sessions: int, plays: int, when: str) -> None:
    """Raise ContractError unless just the split's sessions and plays were read."""
    if (sessions, plays) != (split.sessions, split.plays):
        raise ContractError(
            f"{when}, {split.name}: read {sessions} sessions and {plays} plays, the snapshot has "
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
