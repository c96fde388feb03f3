"""A training run: candidates fitted, compared by held-out likelihood, and the best one calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from uae_model.core.errors import ContractError, ModelError
from uae_model.core.logs import log, warn
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup, joined_process_group
from uae_model.snapshot.manifest import load_manifest
from uae_model.training.candidates import candidates_of
from uae_model.training.comparison import Comparison, best_candidate
from uae_model.training.evaluate import COLLAPSED, calibrate, paired_differences
from uae_model.training.fit import CandidateFit, RankData
from uae_model.training.job import TrainingJob, TrainingResult, load_tensors, save_tensors
from uae_model.training.reporting import Reporter, reporter_for


def train_on_this_rank(job: TrainingJob) -> dict[str, Any]:
    """Train as one of the announced ranks; the entry of TorchDistributor and torchrun."""
    with joined_process_group() as group:
        return Trainer(job, group, reporter_for(job, group.is_first)).train().to_dict()


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

    @property
    def networks_path(self) -> str:
        """The file with the best networks."""
        return f"{self.job.checkpoint_folder}/networks.pt"

    def train(self) -> TrainingResult:
        """Train to the end and return the best epoch, by validation likelihood, of the best candidate.

        Every candidate is trained for ``training.first_round_epochs``; the ``training.finalists`` best go
        on to the end, the best one that keeps to the declared roles always among them. A candidate that
        disregards these is kept only where it is better by two standard errors.
        Deterministic, so a killed run goes on from its candidates' checkpoints.

        Raises:
            ContractError: if an epoch read more or fewer sessions or plays than the manifest states.
            ModelError: if a validation loss is no number.
        """
        finalists, others = self._fit_candidates()
        fits = [*finalists, *others]
        compared = self._compare(fits, len(finalists))
        chosen = next(fit for fit in fits if fit.candidate.name == compared[0].name)
        pair = chosen.best_pair()
        pair.calibration = calibrate(pair, self.snapshot.validation(), self.group)
        if self.group.is_first:
            save_tensors(self.networks_path, pair.to_state())
        if len(fits) > 1:
            for epoch, metrics in enumerate(chosen.progress.history):
                self.reporter.report(metrics, epoch)
        best = chosen.best_metrics
        return TrainingResult(
            networks_path=self.networks_path,
            metrics={**best, "best_epoch": float(chosen.progress.best_epoch), **self._champion_metrics()},
            history=chosen.progress.history,
            estimator=chosen.candidate.estimator,
            stickiness=chosen.candidate.stickiness,
            candidates=[asdict(comparison) for comparison in compared],
            warnings=self._collapse_warnings(best),
        )

    def _fit_candidates(self) -> tuple[list[CandidateFit], list[CandidateFit]]:
        """Return the finalists, trained to the end, and the other candidates."""
        candidates = candidates_of(self.settings)
        alone = len(candidates) == 1
        fits = [
            CandidateFit(candidate, self.snapshot, self.reporter, "" if alone else f"{candidate.name}/")
            for candidate in candidates
        ]
        if len(fits) > self.settings.finalists:
            for fit in fits:
                fit.train(min(self.settings.first_round_epochs, self.settings.epochs))
            fits.sort(key=self._first_round_loss)
            finalists = fits[: self.settings.finalists]
            keeping = [fit for fit in fits if not fit.candidate.disregards_roles]
            if keeping and all(fit.candidate.disregards_roles for fit in finalists):
                # The comparison needs one; with a single finalist that is one more than was asked for.
                finalists[max(1, len(finalists) - 1) :] = keeping[:1]
        else:
            finalists = fits
        for fit in finalists:
            fit.train(self.settings.epochs)
        return finalists, [fit for fit in fits if fit not in finalists]

    def _first_round_loss(self, fit: CandidateFit) -> float:
        first_round = fit.progress.history[: self.settings.first_round_epochs]
        return min(epoch["validation_nll"] for epoch in first_round)

    def _compare(self, fits: Sequence[CandidateFit], finalists: int) -> list[Comparison]:
        """Return the candidates, the chosen one first, then by loss; only a finalist is chosen."""
        differences = [(0.0, 0.0)]
        if len(fits) > 1:
            pairs = [fit.best_pair() for fit in fits]
            differences = paired_differences(pairs, self.snapshot.validation(), self.group)
        compared = []
        for index, (fit, (difference, error)) in enumerate(zip(fits, differences, strict=True)):
            best = fit.best_metrics
            compared.append(
                Comparison(
                    name=fit.candidate.name,
                    estimator=fit.candidate.estimator,
                    stickiness=fit.candidate.stickiness,
                    nll=best["validation_nll"],
                    nll_error=best["validation_nll_error"],
                    difference=difference,
                    difference_error=error,
                    epochs=fit.progress.epoch,
                    finalist=index < finalists,
                    mean_attention=best["validation_mean_attention"],
                    mean_propensity=best["validation_mean_propensity"],
                    collapsed=best["validation_collapsed"] > 0,
                )
            )
        compared.sort(key=lambda comparison: (not comparison.finalist, comparison.nll))
        disregarding = {fit.candidate.name for fit in fits if fit.candidate.disregards_roles}
        compared.insert(0, compared.pop(best_candidate(compared, disregarding)))
        if self.group.is_first and len(compared) > 1:
            log(
                "candidates compared",
                chosen=compared[0].name,
                candidates=[asdict(comparison) for comparison in compared],
            )
        return compared

    def _champion_metrics(self) -> dict[str, float]:
        """Judge the current champion on the same validation plays, for the promotion gate."""
        if not self.job.champion_path:
            return {}
        state = load_tensors(self.job.champion_path)
        if state is None:
            raise ModelError(f"the champion's networks are gone from {self.job.champion_path}")
        champion = NetworkPair.from_state(state, self.group.device)
        return {"champion_validation_nll": self.snapshot.evaluate(champion, "champion")["nll"]}

    def _collapse_warnings(self, metrics: dict[str, float]) -> list[str]:
        messages = []
        for name in ("attention", "propensity"):
            mean = metrics[f"validation_mean_{name}"]
            if mean > COLLAPSED:
                messages.append(
                    f"mean {name} is {mean:.3f}: the estimator has collapsed towards {name} = 1 "
                    "and the other network carries P(active) alone"
                )
        if self.group.is_first:
            for message in messages:
                warn("collapsed solution", message=message)
        return messages
