"""Which estimators a training run compares."""

from __future__ import annotations

from dataclasses import dataclass

from uae_model.config.model_sections import TrainingSettings

CHAINS = ("chain", "unrestricted_chain")


@dataclass(frozen=True)
class Candidate:
    """An estimator with its stickiness fixed."""

    estimator: str
    stickiness: float = 0.0

    @property
    def disregards_roles(self) -> bool:
        """Whether it gives up what the configuration declares: it must then be better beyond doubt."""
        return self.estimator == "unrestricted_chain"

    @property
    def name(self) -> str:
        """A name that is unique among candidates and fit for a file."""
        return f"{self.estimator}-{self.stickiness:g}" if self.estimator in CHAINS else self.estimator


def candidates_of(settings: TrainingSettings) -> list[Candidate]:
    """Return what is to be trained: one estimator, the chain at each stickiness, or all of auto's."""
    names = settings.candidates if settings.estimator == "auto" else (settings.estimator,)
    found: list[Candidate] = []
    for name in names:
        grid = settings.stickiness if name in CHAINS else (0.0,)
        if name == "unrestricted_chain" and settings.estimator == "auto":
            grid = tuple(each for each in grid if each >= settings.unrestricted_stickiness)
        found += [Candidate(name, stickiness) for stickiness in grid]
    return list(dict.fromkeys(found))
