"""Sticky attention chain whose two networks see every feature: what tells them apart is stickiness alone."""

from __future__ import annotations

from uae_model.estimators.chain import ChainEstimator


class UnrestrictedChainEstimator(ChainEstimator):
    """The chain without feature roles, a candidate for the case that the declared roles are wrong.

    Where attention sticks, the feedback of neighbouring plays tells attention from propensity and roles are
    not needed; where it hardly does, nothing else would (``make bench-estimators``). ``auto`` therefore
    tries it from ``training.unrestricted_stickiness`` on.
    """

    name = "unrestricted_chain"
    takes_roles = False
