"""Which estimators a training run compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uae_model.config.estimators import AUTO, catalogue_entry
from uae_model.config.model_sections import TrainingSettings
from uae_model.models.attention_chain import ChainLaw

UNRESTRICTED = "unrestricted_chain"


@dataclass(frozen=True)
class Candidate:
    """An estimator with what its chain assumes: stickiness (rho) and accidental feedback (eps)."""

    estimator: str
    stickiness: float = 0.0
    accidental: float = 0.0

    @property
    def law(self) -> ChainLaw:
        """What the attention chain assumes beside its networks."""
        return ChainLaw(self.stickiness, self.accidental)

    @property
    def disregards_roles(self) -> bool:
        """Whether it gives up what the configuration declares: it must then be clearly better."""
        return catalogue_entry(self.estimator).disregards_roles

    @property
    def name(self) -> str:
        """A name that is unique among candidates and fit for a file."""
        sticky = catalogue_entry(self.estimator).is_sticky
        name = f"{self.estimator}-{self.stickiness:g}" if sticky else self.estimator
        return f"{name}-accidental-{self.accidental:g}" if self.accidental else name


def candidates_of(settings: TrainingSettings) -> list[Candidate]:
    """Return what is trained first: one estimator, the chain at each stickiness, or all of auto's."""
    names = settings.candidates if settings.estimator == AUTO else (settings.estimator,)
    candidates = [
        Candidate(name, stickiness)
        for name in names
        for stickiness in (settings.stickiness if catalogue_entry(name).is_sticky else [0.0])
    ]
    return list(dict.fromkeys(candidates))


def accidental_candidates(
    best: Sequence[Candidate], settings: TrainingSettings, active_rate: float
) -> list[Candidate]:
    """Return the given candidates, where they model feedback without attention, at each configured eps."""
    return [
        replace(candidate, accidental=float(f"{share * active_rate:.3g}"))
        for candidate in best
        if catalogue_entry(candidate.estimator).models_accidental
        for share in settings.accidental
    ]


def diagnostic_candidate(chosen: Candidate, settings: TrainingSettings) -> Candidate | None:
    """Return what tells whether the declared roles look wrong: the chosen chain without them.

    Below ``training.unrestricted_stickiness`` nothing would tell attention from propensity without roles.
    None where roles are not used, or where the unrestricted chain takes part in the choice anyway.
    """
    declared = settings.feature_roles and catalogue_entry(chosen.estimator).models_accidental
    if not (settings.diagnose_roles and declared) or UNRESTRICTED in settings.candidates:
        return None
    stickiness = max(chosen.stickiness, settings.unrestricted_stickiness)
    return Candidate(UNRESTRICTED, stickiness, chosen.accidental)
