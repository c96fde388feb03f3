"""Which estimators a training run compares."""

from __future__ import annotations

from dataclasses import dataclass

from uae_model.config.estimators import AUTO, catalogue_entry
from uae_model.config.model_sections import TrainingSettings


@dataclass(frozen=True)
class Candidate:
    """An estimator with its stickiness fixed."""

    estimator: str
    stickiness: float = 0.0

    @property
    def disregards_roles(self) -> bool:
        """Whether it gives up what the configuration declares: it must then be clearly better."""
        return catalogue_entry(self.estimator).disregards_roles

    @property
    def name(self) -> str:
        """A name that is unique among candidates and fit for a file."""
        sticky = catalogue_entry(self.estimator).is_sticky
        return f"{self.estimator}-{self.stickiness:g}" if sticky else self.estimator


def candidates_of(settings: TrainingSettings) -> list[Candidate]:
    """Return what is to be trained: one estimator, the chain at each stickiness, or all of auto's."""
    is_auto = settings.estimator == AUTO
    candidates: list[Candidate] = []
    for name in settings.candidates if is_auto else (settings.estimator,):
        entry = catalogue_entry(name)
        lowest = settings.unrestricted_stickiness if is_auto and entry.disregards_roles else 0.0
        grid = [rho for rho in settings.stickiness if rho >= lowest] if entry.is_sticky else [0.0]
        candidates += [Candidate(name, stickiness) for stickiness in grid]
    return list(dict.fromkeys(candidates))
