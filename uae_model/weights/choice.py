"""The weight function that was chosen on data for a model: ``weights.function = "auto"`` reads it.

``uae_model.evaluation.weight_choice`` makes the choice; the registry keeps it with the model's version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from uae_model.config.weight_sections import WeightSettings
from uae_model.core.errors import ModelError
from uae_model.models.pair import AttentionKind

LINEAR, NONE, ACTIVE_ONLY = "linear", "none", "active_only"
CONSTANTS = {NONE: 1.0, ACTIVE_ONLY: 0.0}
"""Weightings that are a constant by another name."""


@dataclass(frozen=True)
class JudgedWeighting:
    """One candidate: its gain over the base (every play weighs 1) and how far it is from the chosen one.

    All figures are of the judged metric, from 0 to 1; errors are standard errors of paired differences.
    """

    name: str
    gain: float
    gain_error: float
    difference: float
    difference_error: float


@dataclass(frozen=True)
class WeightChoice:
    """The chosen weighting and what it was chosen from.

    Attributes:
        name: of the weighting: none, active_only, linear, constant:MEAN, scaled:MEAN or power:GAMMA.
        runner_up: the best of the others.
        candidates: all of them, the best first.
        metric: what they were judged by.
        judged_plays: active plays that were judged.
        attention: the kind of attention that was weighed.
        attention_mean: the known mean that it was shifted to.
        day: the last day that was judged, ISO.
    """

    name: str
    runner_up: str
    candidates: tuple[JudgedWeighting, ...]
    metric: str
    judged_plays: int
    attention: AttentionKind
    attention_mean: float | None
    day: str

    @property
    def function(self) -> str:
        """The weight function: linear, power, scaled or constant."""
        return "constant" if self.name in CONSTANTS else self.name.partition(":")[0]

    @property
    def number(self) -> float | None:
        """Mean of constant and scaled, gamma of power."""
        number = self.name.partition(":")[2]
        return float(number) if number else CONSTANTS.get(self.name)

    @property
    def chosen(self) -> JudgedWeighting:
        """The figures of the chosen weighting."""
        return self.judged(self.name)

    def judged(self, name: str) -> JudgedWeighting:
        """Return the figures of a candidate."""
        return next(candidate for candidate in self.candidates if candidate.name == name)

    def to_json(self) -> str:
        """Return the choice as one line of JSON, with what follows from the name for readers of it."""
        gain, error = self.chosen.gain, self.chosen.gain_error
        content = {
            **asdict(self),
            "function": self.function,
            "number": self.number,
            "gain": gain,
            "gain_interval": [gain - 2 * error, gain + 2 * error],
        }
        return json.dumps(_rounded(content))

    @classmethod
    def from_json(cls, text: str) -> WeightChoice:
        """Rebuild a choice from ``to_json``."""
        content = json.loads(text)
        names = cls.__dataclass_fields__
        known = {name: value for name, value in content.items() if name in names}
        known["candidates"] = tuple(JudgedWeighting(**candidate) for candidate in content["candidates"])
        return cls(**known)

    def applied_to(self, settings: WeightSettings, kind: AttentionKind) -> WeightSettings:
        """Return the settings with the chosen function in place of ``auto``.

        Args:
            settings: the configured ones.
            kind: of the attention that is weighed now.

        Raises:
            ModelError: if the choice was made for other attention than is weighed now.
        """
        now, then = (kind, settings.attention_mean), (self.attention, self.attention_mean)
        if now != then:
            raise ModelError(
                f'weights.function = "auto": {self.name} was chosen for attention {_named(*then)}, and the '
                f"settings now say {_named(*now)}; run uae tune"
            )
        changed: dict[str, object] = {"function": self.function}
        if self.number is not None:
            changed["gamma" if self.function == "power" else "mean"] = self.number
        return settings.model_copy(update=changed)


def _named(kind: AttentionKind, mean: float | None) -> str:
    return kind if mean is None else f"{kind} of mean {mean:g}"


def _rounded(value: object) -> object:
    """Return nested JSON with six decimals, which is finer than any standard error here."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(inner) for inner in value]
    return value
