"""The champion's place: which pair has it, which had it before, and the way back, step by step."""

from __future__ import annotations

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from uae_model.core.errors import ModelError
from uae_model.core.logs import log

CHAMPION = "champion"
"""Alias of both models."""

PREVIOUS = "previous_champion"
"""Tag of the attention model: the versions that were champion before, oldest first, with commas between."""

NOT_THERE = "RESOURCE_DOES_NOT_EXIST"
"""What MLflow says of a version or alias that is not there."""

REMEMBERED = 100
"""Former champions that are kept, at most."""


class ChampionPlace:
    """The alias of both models, and the champions before.

    A promotion puts the champion that it replaces on a pile; a way back takes the topmost one from it and
    puts nothing there, so that each step leads further back. The pile is written before the alias moves
    forward and after it moves back: what a crash between leaves on top is the champion itself, which no step
    stops at.
    """

    def __init__(self, client: MlflowClient, attention: str, propensity: str) -> None:
        """Take the names of both registered models."""
        self._client = client
        self._attention = attention
        self._propensity = propensity

    def versions(self) -> tuple[int, int] | None:
        """Resolve the champion once: (attention, propensity), or None where none was promoted."""
        try:
            version = self._client.get_model_version_by_alias(self._attention, CHAMPION)
        except MlflowException as error:
            if error.error_code in (NOT_THERE, "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return int(version.version), int(version.tags["propensity_version"])

    def former(self) -> list[int]:
        """Return the attention versions that were champion before the present one, the latest last."""
        models = self._client.search_registered_models(f"name = '{self._attention}'")
        stored = models[0].tags.get(PREVIOUS, "") if models else ""
        pile = [int(number) for number in stored.split(",") if number]
        present = self.versions()
        while pile and present is not None and pile[-1] == present[0]:
            pile.pop()
        return pile

    def promote(self, attention: ModelVersion) -> None:
        """Make a version and its propensity champion, and remember the one that it replaces."""
        before = self.versions()
        if before is not None and before[0] != int(attention.version):
            self._remember([*self.former(), before[0]])
        self._move(attention)

    def before(self) -> int:
        """Return the attention version that a step back leads to.

        Raises:
            ModelError: if there is none.
        """
        pile = self.former()
        if not pile:
            raise ModelError(
                f"{self._attention} had no champion before the current one: there is nothing further back; "
                "uae promote --version N makes any version champion that passes the gates"
            )
        return pile[-1]

    def step_back(self, attention: ModelVersion) -> None:
        """Make the version that ``before`` told champion again, and forget that it was one before."""
        pile = self.former()
        self._move(attention)
        self._remember(pile[:-1])

    def _move(self, attention: ModelVersion) -> None:
        propensity = attention.tags["propensity_version"]
        self._client.set_registered_model_alias(self._attention, CHAMPION, attention.version)
        self._client.set_registered_model_alias(self._propensity, CHAMPION, propensity)
        log("champion moved", attention_version=int(attention.version), propensity_version=int(propensity))

    def _remember(self, pile: list[int]) -> None:
        text = ",".join(map(str, pile[-REMEMBERED:]))
        self._client.set_registered_model_tag(self._attention, PREVIOUS, text)
