"""Sticky attention chain: the joint likelihood with attention that persists from play to play."""

from __future__ import annotations

from uae_model.estimators.joint import JointEstimator


class ChainEstimator(JointEstimator):
    """Maximises the exact likelihood of ``uae_model.models.attention_chain`` at a fixed stickiness.

    The stickiness is not learned: by gradient it stays near its start (docs/model.md). ``auto``
    trains a grid of values and keeps the one with the best held-out likelihood. A play's attention is
    smoothed: it rests on the feedback before and after the play.
    """

    name = "chain"
