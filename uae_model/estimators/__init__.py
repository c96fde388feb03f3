"""Attention estimators, one file each, behind one small interface.

``uae_model.config.estimators`` is their catalogue: a new estimator is a file here and a line there.
"""

from importlib import import_module

from uae_model.config.estimators import CATALOGUE
from uae_model.estimators.base import Estimator, StepMetrics

ESTIMATORS: dict[str, type[Estimator]] = {
    entry.name: getattr(import_module(f"{__name__}.{entry.name}"), entry.class_name) for entry in CATALOGUE
}
"""Every estimator by the name that the configuration knows it by."""

__all__ = ["ESTIMATORS", "Estimator", "StepMetrics"]
