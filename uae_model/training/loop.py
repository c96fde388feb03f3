"""A training run: candidates fitted, compared by held-out likelihood, and the best one calibrated."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from uae_model.config.estimators import AUTO, catalogue_entry
from uae_model.core.errors import ContractError, ModelError
from uae_model.core.logs import configure_logs, log, warn
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup, joined_process_group
from uae_model.snapshot.manifest import load_manifest
from uae_model.training.candidates import (
    Candidate,
    accidental_candidates,
    candidates_of,
    diagnostic_candidate,
)
from uae_model.training.comparison import Comparison, best_candidate
from uae_model.training.evaluate import calibrate, paired_differences
from uae_model.training.fit import CandidateFit, RankData
from uae_model.training.job import TrainingJob, TrainingResult, load_tensors, save_tensors
from uae_model.training.mean_attention import mean_attention_interval
from uae_model.training.plausibility import doubts, evidence_auc, rank_correlation
from uae_model.training.reporting import Reporter, reporter_for

BY_TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Environment variable of the processes that torchrun starts."""


def train_on_this_rank(job: TrainingJob) -> dict[str, Any]:
    """Train as one of the announced ranks; the entry of TorchDistributor and torchrun."""
    if BY_TORCHRUN in os.environ:  # a process of its own, whose log the one that started it shows
        configure_logs(written="relayed")
    with joined_process_group(timedelta(minutes=job.training.rank_timeout_minutes)) as group:
        return Trainer(job, group, reporter_for(job, group.is_first)).train().to_dict()


TRIED_WITH_ACCIDENTS = 2
"""Candidates, the best ones, that are tried with accidental feedback."""


class Trainer:
    """Trains every candidate on one snapshot as one of several ranks and keeps the best."""

    def __init__(self, job: TrainingJob, group: ProcessGroup, reporter: Reporter) -> None:
        manifest = load_manifest(job.snapshot_root)
        if manifest is None:
            raise ContractError(f"no completed snapshot at {job.snapshot_root}")
        self.job = job
        self.group = group
        self.reporter = reporter
        self.settings = job.training
        self.snapshot = RankData(manifest, job, group)
        self.active_rate = self.snapshot.active_rate()

    @property
    def networks_path(self) -> str:
        """The file with the best networks."""
        return f"{self.job.checkpoint_folder}/networks.pt"

    def train(self) -> TrainingResult:
        """Train to the end and return the best epoch, by validation likelihood, of the best candidate.

        Every candidate is trained to the end on the same draws of at most ``training.selection_plays`` plays
        an epoch; the two best are tried with accidental feedback, too. Where an epoch has more plays, the
        one that is kept is then trained on all of them.
        Deterministic, so a killed run goes on from its candidates' checkpoints.

        Raises:
            ContractError: if an epoch read more or fewer sessions or plays than the manifest states.
            ModelError: if a validation loss is no number.
        """
        fits = self._fit_candidates()
        compared = self._compare(fits)
        chosen = _named(fits, compared[0].name)
        diagnostic = diagnostic_candidate(chosen.candidate, self.settings) if len(fits) > 1 else None
        doubt: dict[str, float] = {}
        if diagnostic:
            free = self._fit(diagnostic, self.settings.selection_plays)
            doubt = {"roles_doubt": self._roles_doubt(chosen, free)}
            compared = self._compare([*fits, free], diagnostic.name)
        self._log_comparison(compared)
        if chosen.epoch_plays is not None:
            chosen = self._fit(chosen.candidate, None)
        pair = chosen.best_pair()
        figures = {**doubt, **self._plausibility(pair, chosen, fits)}
        pair.calibration = calibrate(pair, self.snapshot.validation(), self.group)
        if "attention_mean_low" in figures:
            pair.calibration["mean_interval"] = [
                figures["attention_mean_low"],
                figures["attention_mean_high"],
            ]
        if self.group.is_first:
            save_tensors(self.networks_path, pair.to_state())
        if len(fits) > 1:
            for epoch, metrics in enumerate(chosen.progress.history):
                self.reporter.report(metrics, epoch)
        best = chosen.best_metrics
        return TrainingResult(
            networks_path=self.networks_path,
            metrics={
                **best,
                **figures,
                "best_epoch": float(chosen.progress.best_epoch),
                **self._champion_metrics(),
            },
            history=chosen.progress.history,
            estimator=chosen.candidate.estimator,
            stickiness=chosen.candidate.stickiness,
            accidental=chosen.candidate.accidental,
            candidates=[asdict(comparison) for comparison in compared],
            warnings=self._warnings({**best, **figures}),
        )

    def _fit_candidates(self) -> list[CandidateFit]:
        """Return every candidate, trained to the end."""
        first = candidates_of(self.settings)
        if len(first) == 1:
            return [self._fit(first[0], None, prefix="")]
        limit = self.settings.selection_plays
        fits = [self._fit(candidate, limit) for candidate in first]
        if self.settings.estimator == AUTO:
            ordered = sorted(fits, key=_validation_loss)
            best = [fit.candidate for fit in ordered if not fit.candidate.disregards_roles]
            wider = accidental_candidates(best[:TRIED_WITH_ACCIDENTS], self.settings, self.active_rate)
            fits += [self._fit(candidate, limit) for candidate in wider]
        return fits

    def _fit(self, candidate: Candidate, epoch_plays: int | None, prefix: str | None = None) -> CandidateFit:
        prefix = f"{candidate.name}/" if prefix is None else prefix
        fit = CandidateFit(candidate, self.snapshot, self.reporter, prefix, self.active_rate, epoch_plays)
        fit.train(self.settings.epochs)
        return fit

    def _compare(self, fits: Sequence[CandidateFit], diagnostic: str = "") -> list[Comparison]:
        """Return the candidates, the chosen one first, then by loss."""
        differences = [(0.0, 0.0)]
        if len(fits) > 1:
            pairs = [fit.best_pair() for fit in fits]
            differences = paired_differences(pairs, self.snapshot.validation(), self.group)
        compared = []
        for fit, (difference, error) in zip(fits, differences, strict=True):
            best = fit.best_metrics
            compared.append(
                Comparison(
                    name=fit.candidate.name,
                    estimator=fit.candidate.estimator,
                    stickiness=fit.candidate.stickiness,
                    accidental=fit.candidate.accidental,
                    nll=best["validation_nll"],
                    nll_error=best["validation_nll_error"],
                    difference=difference,
                    difference_error=error,
                    epochs=fit.progress.epoch,
                    mean_attention=best["validation_mean_attention"],
                    mean_propensity=best["validation_mean_propensity"],
                    collapsed=best["validation_collapsed"] > 0,
                    disregards_roles=fit.candidate.disregards_roles,
                    diagnostic=fit.candidate.name == diagnostic,
                )
            )
        compared.sort(key=lambda comparison: comparison.nll)
        compared.insert(0, compared.pop(best_candidate(compared)))
        return compared

    def _roles_doubt(self, chosen: CandidateFit, free: CandidateFit) -> float:
        """Return by how many standard errors the chain without roles is better than the chosen candidate."""
        pairs = [chosen.best_pair(), free.best_pair()]
        (worse, error), (free_worse, free_error) = paired_differences(
            pairs, self.snapshot.validation(), self.group
        )
        return worse / error if error else -free_worse / free_error if free_error else 0.0

    def _log_comparison(self, compared: Sequence[Comparison]) -> None:
        if self.group.is_first and len(compared) > 1:
            log(
                "candidates compared",
                chosen=compared[0].name,
                candidates=[asdict(comparison) for comparison in compared],
            )

    def _champion_metrics(self) -> dict[str, float]:
        """Judge the current champion on the same validation plays, for the promotion gate."""
        if not self.job.champion_path:
            return {}
        state = load_tensors(self.job.champion_path)
        if state is None:
            raise ModelError(f"the champion's networks are gone from {self.job.champion_path}")
        champion = NetworkPair.from_state(state, self.group.device)
        return {"champion_validation_nll": self.snapshot.evaluate(champion, "champion")["nll"]}

    def _plausibility(
        self, pair: NetworkPair, chosen: CandidateFit, fits: Sequence[CandidateFit]
    ) -> dict[str, float]:
        """Return the interval of mean attention, and what speaks for or against the pair's attention."""
        validation = self.snapshot.validation
        evidence, error = evidence_auc(pair, validation(), self.group)
        figures = {"attention_evidence": evidence, "attention_evidence_error": error}
        if catalogue_entry(chosen.candidate.estimator).models_accidental:
            mean, low, high = mean_attention_interval(pair, validation(), self.group)
            figures |= {"attention_mean": mean, "attention_mean_low": low, "attention_mean_high": high}
        others = [fit for fit in fits if fit.candidate.name != chosen.candidate.name]
        others = [fit for fit in others if not fit.candidate.disregards_roles]
        if others:
            second = min(others, key=_validation_loss).best_pair()
            figures["runner_up_agreement"] = rank_correlation(pair, second, validation(), self.group)
        return {name: value for name, value in figures.items() if math.isfinite(value)}

    def _warnings(self, metrics: dict[str, float]) -> list[str]:
        messages = doubts(metrics)
        if self.group.is_first:
            for message in messages:
                warn("model in doubt", message=message)
        return messages


def _named(fits: Sequence[CandidateFit], name: str) -> CandidateFit:
    return next(fit for fit in fits if fit.candidate.name == name)


def _validation_loss(fit: CandidateFit) -> float:
    return fit.best_metrics["validation_nll"]
