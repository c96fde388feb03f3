"""``uae tune``: the weight function of a model chosen on data, now."""

from __future__ import annotations

from datetime import date
from typing import Any

from uae_model.lake import TableStore
from uae_model.pipeline.steps.training import trainable_days
from uae_model.pipeline.weight_choice import choose_for
from uae_model.registry.client import Registry


def tune(store: TableStore, registry: Registry, last: date, version: int | None = None) -> dict[str, Any]:
    """Choose for a version, the champion or else the newest by default; return what was chosen.

    The days are those of a training that ends on ``last``, so a champion can be tuned on newer plays than it
    was trained on.

    Raises:
        ConfigError, InputError: if ``trainable_days`` finds something missing; if too few active plays can
            be judged.
        ModelError: if there is no such version, or it was trained on other features.
    """
    days = trainable_days(store, last)
    champion = registry.champion_versions()
    if version is None and champion is not None:
        version = champion[0]
    chosen_for = int(registry.version(version).version)
    choice = choose_for(store, registry, chosen_for, days)
    second = choice.judged(choice.runner_up)
    return {
        "attention_model_version": chosen_for,
        "weighting": choice.name,
        "metric": choice.metric,
        "gain": round(choice.chosen.gain, 5),
        "gain_error": round(choice.chosen.gain_error, 5),
        "runner_up": second.name,
        "difference": round(second.difference, 5),
        "difference_error": round(second.difference_error, 5),
        "judged_plays": choice.judged_plays,
    }
