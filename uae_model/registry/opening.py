"""Opening a registry for reading: nothing is created, and MLflow is imported only where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uae_model.config import Config
from uae_model.core.locations import sqlite_file

if TYPE_CHECKING:
    from uae_model.registry.client import Registry


def open_registry(config: Config) -> Registry | None:
    """Return the registry, or None where its SQLite file does not exist: a reader creates none."""
    file = sqlite_file(config.paths.mlflow)
    if file is not None and not file.is_file():
        return None
    from uae_model.registry.client import Registry  # MLflow takes seconds to import

    return Registry(config)
