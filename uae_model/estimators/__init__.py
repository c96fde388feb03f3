"""Attention estimators, one file each, behind one small interface."""

from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.estimators.chain import ChainEstimator
from uae_model.estimators.edm import DecayEstimator
from uae_model.estimators.joint import JointEstimator
from uae_model.estimators.ndb import NegativeSamplingEstimator
from uae_model.estimators.pn import NaiveEstimator
from uae_model.estimators.sar import LocalPropensityEstimator
from uae_model.estimators.uae import UnbiasedAttentionEstimator
from uae_model.estimators.unrestricted_chain import UnrestrictedChainEstimator

ESTIMATORS: dict[str, type[Estimator]] = {
    estimator.name: estimator
    for estimator in (
        ChainEstimator,
        UnrestrictedChainEstimator,
        JointEstimator,
        UnbiasedAttentionEstimator,
        LocalPropensityEstimator,
        NaiveEstimator,
        NegativeSamplingEstimator,
        DecayEstimator,
    )
}
"""Every estimator by the name that the configuration knows it by."""

__all__ = [
    "ESTIMATORS",
    "ChainEstimator",
    "DecayEstimator",
    "Estimator",
    "JointEstimator",
    "LocalPropensityEstimator",
    "NaiveEstimator",
    "NegativeSamplingEstimator",
    "StepMetrics",
    "UnbiasedAttentionEstimator",
    "UnrestrictedChainEstimator",
]
