"""A registry in which one version is the champion, whatever was promoted."""

from __future__ import annotations

from uae_model.config import Config
from uae_model.registry.client import Registry


class PinnedRegistry(Registry):
    """The registry of a configuration, for scoring with a version that a person or a publication names.

    Args:
        config: the settings.
        attention_version: of the attention model; its tags name its propensity model.
    """

    def __init__(self, config: Config, attention_version: int) -> None:
        super().__init__(config)
        self._pinned = attention_version

    def champion_versions(self) -> tuple[int, int]:
        """Return the pinned pair (attention, propensity).

        Raises:
            ModelError: if the registry does not hold it.
        """
        return self._pinned, int(self.version(self._pinned).tags["propensity_version"])
