"""The models behind a day's weights, as the registry recorded them."""

from __future__ import annotations

import json
from typing import Any, Protocol

from uae_model.config import Config
from uae_model.core.errors import ModelError
from uae_model.registry.gates import RegisteredCandidate, failed_gates
from uae_model.registry.overview import FORCED
from uae_model.report.facts import ModelFacts, PublicationFacts
from uae_model.training.comparison import Comparison
from uae_model.weights.choice import WeightChoice


class ModelSource(Protocol):
    """What a report asks of ``uae_model.registry.client.Registry``."""

    def version(self, number: int | None = None) -> Any:
        """Return a registered version of the attention model."""
        ...

    def recorded(self, version: int) -> dict[str, str]:
        """Return what is known of a version, as text: of its training, its figures, its tags."""
        ...

    def candidate(self, version: Any) -> RegisteredCandidate:
        """Return what the gates ask of a version."""
        ...

    def champion_versions(self) -> tuple[int, int] | None:
        """Return the champion's versions (attention, propensity)."""
        ...

    def weight_choice(self, attention_version: int) -> WeightChoice | None:
        """Return the weight function that was chosen on data for a version, None where none was."""
        ...

    def history(self, version: int) -> dict[str, list[tuple[int, float]]]:
        """Return the metrics of the run behind a version: name -> (step, value)."""
        ...


def read_model(
    models: ModelSource | None, published: PublicationFacts, config: Config
) -> tuple[ModelFacts | None, str]:
    """Return the facts of the pair that scored the day, or the reason why there are none.

    The gates are judged as at promotion: against the champion of the time when the pair was trained.
    """
    if models is None:
        return None, f"there is no registry at {config.paths.mlflow}"
    try:
        version = models.version(published.attention_version)
    except ModelError as error:
        return None, str(error)
    tags = models.recorded(published.attention_version)
    candidate = models.candidate(version)
    champion = models.champion_versions()
    facts = ModelFacts(
        attention_version=published.attention_version,
        propensity_version=published.propensity_version,
        champion_version=champion[0] if champion else None,
        tags=tags,
        curves=_by_epoch(models.history(published.attention_version)),
        failed_gates=tuple(failed_gates(candidate, candidate.compared_with, config.promotion)),
        candidates=_candidates(tags),
        forced=tags.get(FORCED, ""),
        weight_choice=models.weight_choice(published.attention_version),
    )
    return facts, ""


def _candidates(tags: dict[str, str]) -> tuple[Comparison, ...]:
    """Return what ``auto`` compared, the chosen one first; empty for a model that was registered without."""
    recorded = json.loads(tags.get("candidates", "[]"))
    return tuple(Comparison.recorded(candidate) for candidate in recorded)


def _by_epoch(history: dict[str, list[tuple[int, float]]]) -> dict[str, tuple[tuple[int, float], ...]]:
    """Keep the metrics of epochs, counted from 1; metrics of single steps are left to MLflow's page.

    A resumed run may have logged an epoch twice: the later value counts.
    """
    return {
        name: tuple(sorted({step + 1: value for step, value in points}.items()))
        for name, points in history.items()
        if name.startswith(("train_", "validation_"))
    }
