"""Opening a registry for reading: nothing is created, and MLflow is imported only where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from uae_model.config import Config

if TYPE_CHECKING:
    from uae_model.registry.client import Registry

SQLITE = "sqlite:///"


def open_registry(config: Config) -> Registry | None:
    """Return the registry, or None where its SQLite file does not exist: a reader creates none."""
    uri = config.paths.mlflow
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        return None
    from uae_model.registry.client import Registry  # MLflow takes seconds to import

    return Registry(config)
