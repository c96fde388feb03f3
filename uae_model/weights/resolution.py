"""How a model's attention becomes the weight of a passive play: resolved once, before a day is scored.

A known mean of attention and a wanted mean weight are met on the validation days of the training, whose
attention the model carries as a histogram; so a day's weights depend on the model and the settings alone,
not on the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from uae_model.config.weight_sections import WeightSettings
from uae_model.core.errors import ModelError
from uae_model.models.pair import AttentionKind, Traits
from uae_model.weights.choice import WeightChoice
from uae_model.weights.functions import ARRAYS, Floats, WeightFunction, shifted

LARGEST_LOGIT = 20.0
BIN_WIDTH = 0.02
LOGIT_BINS = int(2 * LARGEST_LOGIT / BIN_WIDTH) + 1
"""Bins of a calibration histogram: centred on -20, -19.98, ..., 20 logits."""

LARGEST_SHIFT = 60.0


def own_kind(settings: WeightSettings, traits: Traits) -> AttentionKind:
    """Return the kind of attention that the weights of a model rest on."""
    return traits.own_attention if settings.attention == "own" else settings.attention


def resolve_weight_function(
    settings: WeightSettings,
    traits: Traits,
    calibration: Mapping[str, Any],
    choice: WeightChoice | None = None,
) -> WeightFunction:
    """Fill in what the settings leave to the model.

    Args:
        settings: the configured weight function.
        traits: of the model; its own kind of attention where the settings say ``own``.
        calibration: of the model: ``active_plays``, ``passive_plays`` and, by kind of attention,
            ``histograms`` of its logits over passive plays.
        choice: the function that was chosen on data, for ``weights.function = "auto"``.

    Raises:
        ModelError: if the known mean of attention is not above the share of active plays, all of which
            are attended; if the function is to be chosen on data and was not, or for other attention.
    """
    kind = own_kind(settings, traits)
    if settings.function == "auto":
        if choice is None:
            raise ModelError(
                'weights.function = "auto": no weight function was chosen for this model; run uae tune, or '
                "set weights.function to linear"
            )
        settings = choice.applied_to(settings, kind)
    shift, factor = 0.0, 1.0
    if settings.attention_mean is not None:
        shift = _shift_for(settings.attention_mean, kind, calibration)
    if settings.function == "scaled":
        factor = _factor_for(settings.mean, kind, shift, calibration)
    return WeightFunction(
        kind=kind,
        name=settings.function,
        shift=shift,
        gamma=settings.gamma,
        factor=factor,
        mean=settings.mean,
        attention_mean=settings.attention_mean,
    )


def factor_for_mean(mean: float, attention: Floats, counts: Floats, tolerance: float = 1e-12) -> float:
    """Return the factor at which the scaled weights min(1, factor * attention) have this mean.

    Args:
        mean: wanted, below the share of plays that have any attention at all.
        attention: of passive plays, shifted already.
        counts: how many plays have each of these attentions.
        tolerance: of the factor's logarithm.
    """

    def excess(log_factor: float) -> float:
        weights = ARRAYS.at_most_one(np.exp(log_factor) * attention)
        return float((weights * counts).sum() / counts.sum() - mean)

    return float(np.exp(brentq(excess, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=tolerance)))


def logit_histogram(attention: Floats) -> NDArray[np.int64]:
    """Return the counts of attention in bins of its logit; values beyond 20 logits count at the ends."""
    with np.errstate(divide="ignore"):
        logits = np.log(attention) - np.log1p(-attention)
    bins = np.rint((np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT) + LARGEST_LOGIT) / BIN_WIDTH)
    return np.bincount(bins.astype(np.int64), minlength=LOGIT_BINS).astype(np.int64)


def _centres() -> Floats:
    logits = np.arange(LOGIT_BINS) * BIN_WIDTH - LARGEST_LOGIT
    return np.asarray(1 / (1 + np.exp(-logits)))


def _counts(kind: AttentionKind, calibration: Mapping[str, Any]) -> Floats:
    if "histograms" not in calibration:
        raise ModelError("the model carries no calibration; train and promote one with this version")
    return np.asarray(calibration["histograms"][kind], dtype=np.float64)


def _shift_for(mean: float, kind: AttentionKind, calibration: Mapping[str, Any]) -> float:
    """Return the shift at which all plays of the validation days have this mean attention, active ones 1."""
    counts, values = _counts(kind, calibration), _centres()
    active, passive = float(calibration["active_plays"]), float(calibration["passive_plays"])
    wanted = (mean * (active + passive) - active) / passive
    if not 0 < wanted < 1:
        raise ModelError(
            f"weights.attention_mean = {mean:g}: {active / (active + passive):.4f} of the plays are active "
            "and so attended for certain; the known mean must lie above that share"
        )

    def excess(shift: float) -> float:
        return float((shifted(values, shift) * counts).sum() / counts.sum() - wanted)

    return float(brentq(excess, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=1e-9))


def _factor_for(mean: float, kind: AttentionKind, shift: float, calibration: Mapping[str, Any]) -> float:
    """Return the factor at which the passive plays of the validation days have this mean weight."""
    if mean == 1.0:
        return float(np.exp(LARGEST_LOGIT * 2))
    return factor_for_mean(mean, shifted(_centres(), shift), _counts(kind, calibration))
