"""The catalogue of attention estimators: every name stands here once, and the rest of the package reads it.

A new estimator is a file of its own in ``uae_model.estimators`` and a line of ``CATALOGUE``. Imports no
torch: settings, evaluations and reports know estimators by this catalogue alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class CatalogueEntry:
    """What is known of an estimator without torch.

    Attributes:
        name: in settings, models and tables; also that of its module in ``uae_model.estimators``.
        class_name: of the estimator in that module.
        title: in tables and figures.
        is_sticky: attention persists from play to play; it is trained once for each ``training.stickiness``.
        disregards_roles: it lets both networks see every feature although roles are declared, so ``auto``
            keeps it only where it is clearly better.
        in_paper: the paper compares it (its Table V); its attention becomes weights by Eq. 19.
        tried_by_auto: ``auto`` compares it unless ``training.candidates`` says otherwise.
        models_accidental: its likelihood has a place for feedback without attention (eps).
    """

    name: str
    class_name: str
    title: str
    is_sticky: bool = False
    disregards_roles: bool = False
    in_paper: bool = False
    tried_by_auto: bool = False
    models_accidental: bool = False


CATALOGUE = (
    CatalogueEntry("joint", "JointEstimator", "joint", tried_by_auto=True, models_accidental=True),
    CatalogueEntry(
        "chain", "ChainEstimator", "chain", is_sticky=True, tried_by_auto=True, models_accidental=True
    ),
    CatalogueEntry(
        "unrestricted_chain",
        "UnrestrictedChainEstimator",
        "unrestricted chain",
        is_sticky=True,
        disregards_roles=True,
        models_accidental=True,
    ),
    CatalogueEntry("uae", "UnbiasedAttentionEstimator", "UAE", in_paper=True),
    CatalogueEntry("sar", "LocalPropensityEstimator", "SAR", in_paper=True),
    CatalogueEntry("pn", "NaiveEstimator", "PN", in_paper=True),
    CatalogueEntry("ndb", "NegativeSamplingEstimator", "NDB", in_paper=True),
    CatalogueEntry("edm", "DecayEstimator", "EDM", in_paper=True),
)
"""Every estimator, this project's first, then the paper's from its own to the simplest."""

AUTO = "auto"
"""Stands for the best, by held-out likelihood, of several estimators."""

ESTIMATOR_NAMES = tuple(entry.name for entry in CATALOGUE)
PAPER_NAMES = tuple(entry.name for entry in CATALOGUE if entry.in_paper)
AUTO_CANDIDATES = tuple(entry.name for entry in CATALOGUE if entry.tried_by_auto)

if TYPE_CHECKING:
    EstimatorName = str
    CandidateName = str
else:
    EstimatorName = Literal[(AUTO, *ESTIMATOR_NAMES)]
    """A name of the catalogue, or auto: what a setting may hold."""
    CandidateName = Literal[ESTIMATOR_NAMES]
    """A name of the catalogue."""

_ENTRIES = {entry.name: entry for entry in CATALOGUE}


def catalogue_entry(name: str) -> CatalogueEntry:
    """Return what the catalogue says of an estimator.

    Raises:
        KeyError: if there is no such estimator.
    """
    return _ENTRIES[name]
