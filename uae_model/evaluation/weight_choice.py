"""The weight function chosen on data: base models on every candidate weighting, judged by what users said.

A candidate's base model (FM, which costs least) is fitted several times, each time with another seed. All
fits are judged on the same active plays of days after the training days. A difference between two
candidates has two kinds of noise: that of the fits, and that of the users who happened to act. Both are
measured on pairs, so what moves both candidates alike cancels.

Shape suffixes: C candidates, S seeds, D draws of users, N judged plays, U users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uae_model.config import Config
from uae_model.config.evaluation import EvaluationSettings
from uae_model.core.errors import InputError
from uae_model.core.progress import progress
from uae_model.evaluation.attention import GivenAttention, pair_attention
from uae_model.evaluation.metrics import drawn_auc
from uae_model.evaluation.plays import TEST, TRAIN, EvaluationPlays
from uae_model.evaluation.trials import TrialRunner
from uae_model.models.pair import AttentionKind, NetworkPair
from uae_model.weights.choice import LINEAR, NONE, JudgedWeighting, WeightChoice
from uae_model.weights.functions import shifted
from uae_model.weights.resolution import resolve_weight_function

Floats = NDArray[np.float64]

BASE_MODEL = "FM"
METRIC = "AUC by the labels of active plays"
LEAST_STEPS = 15
"""Steps of an epoch of the base model, at least."""
DRAWS = 200
"""Draws of users with replacement, as a bootstrap."""
DRAW_SEED = 18
LEAST_JUDGED = 50
"""Fewest active plays of each label that are judged: with less, any candidate can win."""


@dataclass(frozen=True)
class JudgedFits:
    """A metric of every fit, on all judged plays and on each draw of users, the same draws for all fits."""

    names: tuple[str, ...]
    value_CS: Floats
    drawn_CSD: Floats

    def difference(self, name: str, other: str) -> tuple[float, float]:
        """Return by how much a candidate is better than another, and the standard error of that."""
        first, second = self.names.index(name), self.names.index(other)
        fits_S = self.value_CS[first] - self.value_CS[second]
        draws_D = (self.drawn_CSD[first] - self.drawn_CSD[second]).mean(axis=0)
        variance = fits_S.var(ddof=1) / len(fits_S) + draws_D.var(ddof=1)
        return float(fits_S.mean()), float(np.sqrt(variance))


def choose(fits: JudgedFits) -> tuple[str, str, tuple[JudgedWeighting, ...]]:
    """Return the chosen weighting, the best of the others, and the figures of all, best first.

    The best one is chosen, unless linear is within a standard error of the paired difference: linear needs
    no number that would have to be right, and its weights are probabilities.
    """
    ranked = sorted(fits.names, key=lambda name: -fits.value_CS[fits.names.index(name)].mean())
    best = ranked[0]
    behind, error = fits.difference(best, LINEAR)
    chosen = LINEAR if behind <= error else best
    runner_up = next(name for name in ranked if name != chosen)
    figures = ((name, *fits.difference(name, NONE), *fits.difference(name, chosen)) for name in ranked)
    return chosen, runner_up, tuple(JudgedWeighting(*row) for row in figures)


def trial_name(candidate: str) -> str:
    """Return what trials call a candidate weighting: functions of attention name whose attention it is."""
    return f"auto:{candidate}" if candidate.partition(":")[0] in ("linear", "scaled", "power") else candidate


def choose_weighting(plays: EvaluationPlays, pair: NetworkPair, config: Config, day: str) -> WeightChoice:
    """Return the weighting that serves base models best with a pair's attention.

    Args:
        plays: training, validation (the base models stop by them) and test plays; active test plays judge.
        pair: whose attention is weighed, as ``config.weights`` says.
        config: ``weights``, ``weight_choice``, ``features``.
        day: last of the test days, ISO.

    Raises:
        InputError: if too few active plays can be judged.
    """
    kind, attention_N = weighed_attention(plays, pair, config)
    runner = runner_of(plays, attention_N, config)
    fits = judge_candidates(runner, config.weight_choice.candidates, config.weight_choice.fits)
    chosen, runner_up, candidates = choose(fits)
    return WeightChoice(
        name=chosen,
        runner_up=runner_up,
        candidates=candidates,
        metric=METRIC,
        judged_plays=len(_judged_rows(plays)),
        attention=kind,
        attention_mean=config.weights.attention_mean,
        day=day,
    )


def runner_of(plays: EvaluationPlays, attention_N: Floats, config: Config) -> TrialRunner:
    """Return the runner of fits, with base models as they are by default: no choice hangs on ``evaluation``.

    A small window has smaller batches: an epoch has at least ``LEAST_STEPS`` steps.
    """
    own = EvaluationSettings()
    batch_size = max(2, min(own.batch_size, int((plays.split_N == TRAIN).sum()) // LEAST_STEPS))
    changed = {"evaluation": own.model_copy(update={"batch_size": batch_size})}
    source = GivenAttention(attention_N)
    return TrialRunner(plays, source, config.model_copy(update=changed), without_gaps=True)


def weighed_attention(
    plays: EvaluationPlays, pair: NetworkPair, config: Config
) -> tuple[AttentionKind, Floats]:
    """Return the kind of attention that the settings weigh, and every play's, at the known mean if any."""
    linear = config.weights.model_copy(update={"function": LINEAR})
    function = resolve_weight_function(linear, pair.traits, pair.calibration)
    attention_N = pair_attention(pair, plays, config.scoring.batch_plays, function.kind)
    return function.kind, attention_N if function.shift == 0 else shifted(attention_N, function.shift)


def judge_candidates(runner: TrialRunner, candidates: Sequence[str], fits: int) -> JudgedFits:
    """Fit the base model to every candidate weighting, and judge each fit on all draws of users.

    Raises:
        InputError: if too few active plays can be judged.
    """
    rows_N = _judged_rows(runner.plays)
    label_N = runner.plays.label_N[rows_N]
    count_ND = _drawn_counts(runner.plays.user_N[rows_N])
    shape = (len(candidates), fits)
    value_CS, drawn_CSD = np.empty(shape), np.empty((*shape, DRAWS))
    with progress("choosing the weight function", len(candidates) * fits, "fits") as counter:
        for seed in range(fits):
            for index, candidate in enumerate(candidates):
                model, _ = runner.train(BASE_MODEL, runner.weights(trial_name(candidate), seed), seed)
                judged_D = drawn_auc(label_N, runner.scores(model, rows_N), count_ND)
                value_CS[index, seed], drawn_CSD[index, seed] = judged_D[0], judged_D[1:]
                counter.advance()
    return JudgedFits(tuple(candidates), value_CS, drawn_CSD)


def _judged_rows(plays: EvaluationPlays) -> NDArray[np.int64]:
    """Return the active test plays.

    Raises:
        InputError: if too few of them have either label.
    """
    rows_N = np.flatnonzero((plays.split_N == TEST) & plays.active_N)
    positives = int(plays.label_N[rows_N].sum())
    fewest = min(positives, len(rows_N) - positives)
    if fewest < LEAST_JUDGED:
        raise InputError(
            f"the weight function cannot be chosen: of the active plays that judge it {positives} have label "
            f"1 and {len(rows_N) - positives} label 0, and {LEAST_JUDGED} of each are needed; give it more "
            "days (training.validation_days) or users (weight_choice.max_plays), or set weights.function to "
            "linear"
        )
    return rows_N


def _drawn_counts(user_N: NDArray[np.int64]) -> Floats:
    """Return how often each play is in the plays themselves, then in each draw of their users."""
    distinct_U, user_index_N = np.unique(user_N, return_inverse=True)
    users = len(distinct_U)
    drawn_DU = np.random.default_rng(DRAW_SEED).multinomial(users, np.full(users, 1 / users), DRAWS)
    count_DU = np.concatenate([np.ones((1, users)), drawn_DU])
    count_ND: Floats = count_DU.T[user_index_N]
    return count_ND
