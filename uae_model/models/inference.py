"""Predictions for whole sessions of any length, on one thread, without Spark."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from uae_model.models.batch import SessionBatch, length_mask
from uae_model.models.pair import AttentionKind, NetworkPair


def predict_sessions(
    pair: NetworkPair,
    categorical: NDArray[np.int64],
    numeric: NDArray[np.float32],
    feedback: NDArray[np.float32],
    lengths: NDArray[np.int64],
    batch_plays: int,
    kind: AttentionKind | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return attention and propensity of every play.

    Sessions are sorted by length and padded within their batch only; a play's result depends on its own
    session, so batch size and order change it by rounding alone (below 1e-6).

    Args:
        pair: the networks, on the CPU.
        categorical: (plays, features) bucket numbers, the sessions one after another in play order.
        numeric: (plays, features) transformed numbers, NaN for missing ones.
        feedback: (plays,) e, 1 = active.
        lengths: (sessions,) plays of each session; their sum is the number of plays.
        batch_plays: padded steps in one forward pass, at most (a longer session is a pass of its own).
        kind: the attention that is wanted; the estimator's own by default.

    Returns:
        Two arrays (plays,) in the order of the input.
    """
    wanted = kind or pair.traits.own_attention
    attention = np.empty(len(feedback))
    propensity = np.empty(len(feedback))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else np.empty(0, dtype=np.int64)
    for chosen in _batches_by_length(lengths, batch_plays):
        steps = int(lengths[chosen].max())
        position_BT = np.arange(steps)
        mask_BT = length_mask(torch.from_numpy(lengths[chosen]), steps)
        # Padding repeats the session's last play: valid input, and its output is dropped.
        rows_BT = starts[chosen, None] + np.minimum(position_BT, lengths[chosen, None] - 1)
        batch = SessionBatch(
            torch.from_numpy(categorical[rows_BT]),
            torch.from_numpy(numeric[rows_BT]),
            torch.from_numpy(feedback[rows_BT]),
            mask_BT,
        )
        prediction = pair.predict(batch, wanted)
        real = mask_BT.numpy()
        attention[rows_BT[real]] = prediction.attention[wanted].numpy()[real]
        propensity[rows_BT[real]] = prediction.propensity_BT.numpy()[real]
    return attention, propensity


def _batches_by_length(lengths: NDArray[np.int64], batch_plays: int) -> Iterator[NDArray[np.int64]]:
    """Yield groups of session indices, longest first, each below ``batch_plays`` padded steps."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, batch_plays // int(lengths[order[start]]))
        yield order[start : start + size]
        start += size
