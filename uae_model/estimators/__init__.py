"""Attention estimators, one file each, behind one small interface."""

from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.estimators.uae import UnbiasedAttentionEstimator

__all__ = ["Estimator", "StepMetrics", "UnbiasedAttentionEstimator"]
