"""What is registered, and the champion's place: for people, without Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from uae_model.config import Config
from uae_model.core.errors import ModelError
from uae_model.registry.client import Registry
from uae_model.registry.opening import open_registry
from uae_model.registry.overview import ModelLine, table_of


@dataclass(frozen=True)
class Overview:
    """The registered versions, newest first: as rows of text, and as a summary."""

    lines: list[ModelLine]

    @property
    def table(self) -> list[str]:
        """Rows of text under a header."""
        return table_of(self.lines)

    @property
    def summary(self) -> dict[str, Any]:
        """All figures."""
        return {"models": [line.to_dict() for line in self.lines]}


def overview_of(config: Config) -> Overview:
    """Return every version of the attention model; nothing is created.

    Raises:
        ModelError: if there is no registry yet, or no version in it.
    """
    registry = open_registry(config)
    if registry is None:
        raise ModelError(f"there is no registry at {config.paths.mlflow} yet; run uae train first")
    return Overview(registry.overview())


def promotion_summary(config: Config, registry: Registry, version: int) -> dict[str, Any]:
    """Return what a promotion prints: the champion, and how it compares with the one before."""
    line = registry.line(registry.version(version))
    return {
        "champion": version,
        "model": config.registry.attention_model,
        "validation_nll": line.loss,
        "compared_with": line.compared_with,
        "champion_validation_nll": line.champion_loss,
        "change": line.change,
        "forced": bool(line.forced),
    }
