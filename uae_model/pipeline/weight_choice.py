"""The choice of a model's weight function: plays of the days, the pair, the record in the registry."""

from __future__ import annotations

from datetime import date

from uae_model.config import Config
from uae_model.core.errors import ConfigError
from uae_model.lake import TableStore
from uae_model.models.pair import NetworkPair
from uae_model.registry.client import Registry, require_same_features
from uae_model.weights.choice import WeightChoice

Days = tuple[list[date], list[date]]


def require_days_to_choose(config: Config) -> None:
    """Raise ConfigError where no day of the window is left to stop the base models by."""
    if config.training.window_days < 2:
        raise ConfigError(
            "training.window_days = 1: the weight function is chosen by base models that train on all days "
            "of the window but the last and stop by that one; set training.window_days to 2 or more"
        )


def choose_for(store: TableStore, registry: Registry, version: int, days: Days) -> WeightChoice:
    """Choose the weight function of a registered version and record it.

    Args:
        store: with plays, and features, of the days.
        registry: holds the version.
        version: of the attention model.
        days: training and validation days, as of a training.

    Raises:
        ConfigError: if the window has a single day.
        InputError: if too few active plays can be judged.
        ModelError: if the version is not there, or was trained on other features.
    """
    # Base models take seconds to import, and few nights choose.
    from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION
    from uae_model.evaluation.weight_choice import choose_weighting
    from uae_model.pipeline.evaluation_plays import evaluation_plays

    config = store.config
    require_days_to_choose(config)
    registered = registry.version(version)
    trained = registry.load(version, int(registered.tags["propensity_version"]))
    require_same_features(trained.features, config)
    window, judged = days
    splits = {TRAIN: window[:-1], VALIDATION: window[-1:], TEST: judged}
    plays = evaluation_plays(store, splits, config.weight_choice.max_plays)
    pair = NetworkPair.from_state(trained.state)
    choice = choose_weighting(plays, pair, config, judged[-1].isoformat())
    registry.record_weight_choice(version, choice)
    return choice


def choose_where_missing(store: TableStore, registry: Registry, version: int, days: Days) -> None:
    """Choose for a version that has no choice yet, where the settings ask for one."""
    if store.config.weights.function == "auto" and registry.weight_choice(version) is None:
        choose_for(store, registry, version, days)
