"""One trial of an evaluation: a base model trained on one weighting with one seed, and judged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from uae_model import __version__
from uae_model.config import Config
from uae_model.config.estimators import AUTO
from uae_model.config.evaluation import CHAMPION, TRUTH
from uae_model.core.digests import RESULT_DIGITS, json_digest
from uae_model.core.errors import InputError
from uae_model.evaluation.attention import AttentionSource
from uae_model.evaluation.labels import judge, judge_parts, judged_plays
from uae_model.evaluation.metrics import auc
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION, EvaluationPlays
from uae_model.evaluation.weight_rules import WeightRule, parse_rule, weigh
from uae_model.recommenders.fields import FieldSpace
from uae_model.recommenders.models import Recommender, build_recommender
from uae_model.recommenders.samples import Samples
from uae_model.recommenders.training import FitResult, FitSettings, Watch, fit, predict

Floats = NDArray[np.float64]

OUTSIDE_OF_TRIALS = {"models", "weightings", "seeds", "test_days", "max_plays", "experiment"}
"""Settings that say which trials there are, or on which plays: a trial's key has model, seed and the identity
of the plays."""


@dataclass(frozen=True, order=True)
class Trial:
    """What is trained: a base model's name, a weighting's name and a seed."""

    model: str
    weighting: str
    seed: int


@dataclass(frozen=True)
class TrialResult:
    """The figures of a trial.

    ``metrics`` holds ``<label setting>.<metric>``, GAUC of each part of the users (``labels.part_name``),
    ``mean_passive_weight`` of the training plays, ``best_epoch``, ``epochs`` and ``seconds``; ``history`` the
    metrics of each epoch.
    """

    trial: Trial
    metrics: Mapping[str, float]
    history: Sequence[Mapping[str, float]] = field(default=())


class TrialRunner:
    """Trains and judges trials on the same plays: fields are encoded once, only the weight column changes.

    ``without_gaps`` leaves out embedding rows that no play has: faster, with other initial weights.
    ``champion`` tells one champion from another, where the source has its attention.
    """

    def __init__(
        self,
        plays: EvaluationPlays,
        source: AttentionSource,
        config: Config,
        *,
        without_gaps: bool = False,
        champion: str = "",
    ) -> None:
        self.plays = plays
        self._champion = champion
        self.config = config
        self._source = source
        self._judged = judged_plays(plays)
        self._train_N, self._validation_N = (
            torch.from_numpy(np.flatnonzero(plays.split_N == split)) for split in (TRAIN, VALIDATION)
        )
        self.space = FieldSpace.fit(config.features, plays.numeric_NF[plays.split_N == TRAIN])
        fields_NF = self.space.encode(plays.categorical_NF, plays.numeric_NF)
        if without_gaps:
            self.space, fields_NF = self.space.without_gaps(fields_NF)
        label_N = torch.from_numpy(plays.label_N.astype(np.float32))
        self._samples = Samples(fields_NF, label_N, torch.ones(len(plays)))
        self._train = self._samples.where(self._train_N)
        self._validation = self._samples.where(self._validation_N)
        self._test_N = np.flatnonzero(plays.split_N == TEST)
        self._test_fields_NF = fields_NF[torch.from_numpy(self._test_N)]

    def rule(self, weighting: str) -> WeightRule:
        """Return a weighting with its defaults filled in."""
        return parse_rule(weighting, self.config.weights)

    def weights(self, weighting: str, seed: int) -> Floats:
        """Return the sample weights of all plays: 1 for active ones, the rule's for passive ones.

        Raises:
            InputError: if true attention is asked for and no truth is known.
        """
        rule = self.rule(weighting)
        if rule.source == "none":
            return np.ones(len(self.plays))
        if rule.source == "active_only":
            passive: Floats = np.zeros(len(self.plays))
        elif rule.source == "constant":
            mean = rule.number
            if mean is None:
                mean = self._mean_passive(self.weights(self._of_constant, seed))
            passive = np.full(len(self.plays), mean)
        else:
            passive = weigh(rule, self._attention(rule, seed), self.plays.passive_in(TRAIN))
        return np.where(self.plays.active_N, 1.0, passive)

    def attention(self, estimator: str, seed: int) -> Floats:
        """Return an estimator's attention of all plays."""
        return self._source.attention(estimator, seed)

    def run(self, trial: Trial) -> TrialResult:
        """Train the trial's model and judge its epoch with the best weighted validation loss.

        The same trial, plays, settings and number of threads give the same figures.
        """
        started = time.perf_counter()
        weight_N = self.weights(trial.weighting, trial.seed)
        model, done = self.train(trial.model, weight_N, trial.seed)
        metrics = {
            **self.judge(model),
            "mean_passive_weight": self._mean_passive(weight_N),
            "best_epoch": float(done.best_epoch),
            "epochs": float(len(done.history)),
            "seconds": time.perf_counter() - started,
        }
        return TrialResult(trial, metrics, done.history)

    def train(
        self, model_name: str, weight_N: Floats, seed: int, watch: Watch | None = None
    ) -> tuple[Recommender, FitResult]:
        """Return a base model trained on the training plays with these weights of all plays.

        ``watch`` adds metrics to each epoch of the history.
        """
        settings = self.config.evaluation
        weights = torch.from_numpy(weight_N.astype(np.float32))
        torch.manual_seed(seed)
        model = build_recommender(model_name, self.space, settings.embedding, settings.mlp)
        done = fit(
            model,
            self._train.weighted(weights[self._train_N]),
            self._validation.weighted(weights[self._validation_N]),
            FitSettings.of(settings, seed),
            watch,
        )
        return model, done

    def auc_of(self, model: Recommender, split: int) -> float:
        """Return the AUC on a split's plays, by true relevance where it is known, else by observed labels."""
        plays = self.plays
        rows_N = np.flatnonzero(plays.split_N == split)
        label_N = plays.label_N if plays.relevance_N is None else plays.relevance_N
        return auc(label_N[rows_N], self.scores(model, rows_N))

    def scores(self, model: Recommender, rows_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return a model's probability that each of these plays is liked."""
        scores_N: NDArray[np.float32] = predict(
            model, self._samples.fields_NF[torch.from_numpy(rows_N)]
        ).numpy()
        return scores_N

    def judge(self, model: Recommender) -> dict[str, float]:
        """Return a model's metrics on the test plays, by label setting, and those of parts of the users."""
        score_N = np.zeros(len(self.plays), np.float32)
        score_N[self._test_N] = predict(model, self._test_fields_NF).numpy()
        user_N = self.plays.user_N
        return judge(self._judged, user_N, score_N) | judge_parts(self._judged, user_N, score_N)

    def key(self, trial: Trial) -> str:
        """Return a digest of everything that the trial's figures depend on."""
        config = self.config
        content = {
            "version": __version__,
            "plays": self.plays.identity,
            "cell": asdict(trial),  # by this name, finished trials of earlier versions are known
            "features": config.features.to_plain(),
            "recommender": config.evaluation.model_dump(mode="json", exclude=OUTSIDE_OF_TRIALS),
        }
        rule = self.rule(trial.weighting)
        estimator = rule.estimator(self._of_constant)
        if estimator == CHAMPION:
            content |= {"champion": self._champion, "weights": config.weights.model_dump(mode="json")}
        elif estimator is not None:
            for section in ("network", "training", "weights"):
                content[section] = getattr(config, section).model_dump(mode="json")
        return json_digest(content, RESULT_DIGITS)

    @property
    def _of_constant(self) -> str:
        """The weighting whose mean the constant has: the one that the sentences are about."""
        return CHAMPION if CHAMPION in self.config.evaluation.weightings else AUTO

    def _attention(self, rule: WeightRule, seed: int) -> Floats:
        if rule.source != TRUTH:
            return self._source.attention(rule.source, seed)
        if self.plays.attended_N is None:
            raise InputError(
                "evaluation.weightings = truth: the table truth knows nothing of these plays; leave truth out"
            )
        return np.maximum(self.plays.attended_N, 0).astype(np.float64)

    def _mean_passive(self, weight_N: Floats) -> float:
        passive_N = self.plays.passive_in(TRAIN)
        return float(weight_N[passive_N].mean()) if passive_N.any() else 0.0
