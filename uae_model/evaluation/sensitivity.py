"""What a result hangs on that no data tell: the roles of features, and the mean of attention.

Every variant is trained on the same plays and judged on the same validation plays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from uae_model.config import Config, Feature
from uae_model.core.logs import log
from uae_model.lake import TableStore
from uae_model.models.pair import AttentionKind, NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.pages.markdown import markdown_table
from uae_model.snapshot.write import write_snapshot
from uae_model.training.fit import RankData
from uae_model.training.job import TrainingJob, TrainingResult, training_key
from uae_model.training.launch import run_training
from uae_model.weights.functions import passive_weights, shifted
from uae_model.weights.resolution import resolve_weight_function

ANCHORS = (0.2, 0.4, 0.6)


@dataclass(frozen=True)
class Variant:
    """One line of the table; attention and weights are means over the passive validation plays.

    ``rank_correlation`` is Spearman's, of attention with that of the configuration as it is: 1 says that
    the order of the weights stays.
    """

    name: str
    chosen: str
    nll: float
    mean_attention: float
    mean_weight: float
    rank_correlation: float


def compare_variants(store: TableStore, days: tuple[list[date], list[date]]) -> list[Variant]:
    """Train with the roles as configured, swapped and left out, then anchor the mean at each of ``ANCHORS``.

    An anchor shifts the configured model's attention after training (``weights.attention_mean``), so it
    needs no training of its own. Trainings that were done before are taken from their checkpoints.

    Args:
        store: with the plays of the days.
        days: training days and validation days.

    Raises:
        ModelError: if a training leaves no networks.
    """
    config = store.config
    if config.weights.function == "auto":  # variants are not registered, so none has a choice of its own
        weights = config.weights.model_copy(update={"function": "linear"})
        config = config.model_copy(update={"weights": weights})
    settings = {
        "as configured": config,
        "roles swapped": config.with_features(swapped_roles(config.features)),
        "no roles": config.model_copy(
            update={"training": config.training.model_copy(update={"feature_roles": False})}
        ),
    }
    base: _Trained | None = None
    variants: list[Variant] = []
    for name, changed in settings.items():
        log("sensitivity", variant=name)
        trained = _train(TableStore(store.spark, changed), days, base)
        variants.append(_variant(name, trained, base or trained, config))
        if base is None:
            base = trained
            anchors = [anchor for anchor in ANCHORS if anchor > base.active_share]
            variants += [_anchored(anchor, base, config) for anchor in anchors]
    return variants


def swapped_roles(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Return the features with context for preference and the reverse."""
    return tuple(feature.with_role_swapped() for feature in features)


def as_markdown(variants: Sequence[Variant]) -> str:
    """Return the table."""
    header = ("variant", "chosen", "validation loss", "mean attention", "mean weight", "rank correlation")
    rows = []
    for variant in variants:
        numbers = (variant.mean_attention, variant.mean_weight, variant.rank_correlation)
        cells = [f"{number:.3f}" for number in numbers]
        rows.append((variant.name, variant.chosen, f"{variant.nll:.5f}", *cells))
    return markdown_table(header, rows, labels=2)


@dataclass(frozen=True)
class _Trained:
    """A trained variant and its attention on the passive validation plays, N of them."""

    result: TrainingResult
    pair: NetworkPair
    snapshot: RankData
    attention_N: NDArray[np.float64]

    @property
    def active_share(self) -> float:
        """The share of active plays on the validation days: the least that a mean of attention can be."""
        split = self.snapshot.manifest.validation
        return split.active_plays / split.plays


def _train(store: TableStore, days: tuple[list[date], list[date]], base: _Trained | None) -> _Trained:
    config = store.config
    manifest = write_snapshot(store, *days)
    key = training_key(manifest, config.network, config.training)
    folder = f"{config.paths.checkpoints.rstrip('/')}/{key}"
    job = TrainingJob(manifest.root, config.network, config.training, folder)
    result = run_training(job)
    pair = NetworkPair.from_state(result.state())
    kind = resolve_weight_function(config.weights, pair.traits, pair.calibration).kind
    # All variants are judged on the files of the first one: the same plays in the same order.
    snapshot = base.snapshot if base else RankData(manifest, job, ProcessGroup())
    return _Trained(result, pair, snapshot, _passive_attention(pair, kind, snapshot))


def _passive_attention(pair: NetworkPair, kind: AttentionKind, snapshot: RankData) -> NDArray[np.float64]:
    parts = []
    for batch in snapshot.validation():
        passive_BT = batch.mask_BT & (batch.feedback_BT == 0)
        parts.append(pair.predict(batch, kind).attention[kind][passive_BT].numpy())
    return np.concatenate(parts)


def _anchored(anchor: float, base: _Trained, config: Config) -> Variant:
    weights = config.weights.model_copy(update={"attention_mean": anchor})
    name = f"mean attention of all plays known: {anchor:g}"
    return _variant(name, base, base, config.model_copy(update={"weights": weights}))


def _variant(name: str, trained: _Trained, base: _Trained, config: Config) -> Variant:
    weighting = resolve_weight_function(config.weights, trained.pair.traits, trained.pair.calibration)
    attention_N = shifted(trained.attention_N, weighting.shift)
    best: dict[str, Any] = trained.result.candidates[0]
    return Variant(
        name=name,
        chosen=best["name"],
        nll=trained.result.metrics["validation_nll"],
        mean_attention=float(attention_N.mean()),
        mean_weight=float(passive_weights(attention_N, weighting).mean()),
        rank_correlation=float(spearmanr(attention_N, base.attention_N).statistic),
    )
