"""Which estimators a training run compares."""

from __future__ import annotations

from dataclasses import dataclass

from uae_model.config.sections import TrainingSettings


@dataclass(frozen=True)
class Candidate:
    """An estimator with its stickiness fixed."""

    estimator: str
    stickiness: float = 0.0

    @property
    def name(self) -> str:
        """A name that is unique among candidates and fit for a file."""
        return f"{self.estimator}-{self.stickiness:g}" if self.estimator == "chain" else self.estimator


def candidates_of(settings: TrainingSettings) -> list[Candidate]:
    """Return what is to be trained: one estimator, the chain at each stickiness, or all of auto's."""
    names = settings.candidates if settings.estimator == "auto" else (settings.estimator,)
    found: list[Candidate] = []
    for name in names:
        grid = settings.stickiness if name == "chain" else (0.0,)
        found += [Candidate(name, stickiness) for stickiness in grid]
    return list(dict.fromkeys(found))
