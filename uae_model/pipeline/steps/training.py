"""Training and promotion: snapshot, ranks, registry, gates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from uae_model.config import Config
from uae_model.core.errors import ConfigError, InputError, ModelError, PromotionRefusedError
from uae_model.core.locks import alone_in
from uae_model.core.logs import log, warn
from uae_model.lake import DayState, TableStore, Unit
from uae_model.pipeline.step import Night, Outcome, Step
from uae_model.pipeline.steps.features import has_joined_features, require_features
from uae_model.pipeline.weight_choice import choose_where_missing, require_days_to_choose
from uae_model.publication.checks import Check
from uae_model.registry.client import Registry, require_same_features
from uae_model.registry.gates import failed_gates
from uae_model.snapshot.write import write_snapshot
from uae_model.training.job import TrainingJob, save_tensors, training_key
from uae_model.training.launch import run_training


def training_days(last: date, config: Config) -> tuple[list[date], list[date]]:
    """Return the training days and the validation days, of which ``last`` is the newest."""
    held_out = config.training.validation_days
    days = [last - timedelta(days=back) for back in range(held_out + config.training.window_days - 1, -1, -1)]
    return days[:-held_out], days[-held_out:]


def trainable_days(store: TableStore, last: date) -> tuple[list[date], list[date]]:
    """Return ``training_days`` if all that training needs is there.

    Raises:
        ConfigError: if no feedback of the feed is active: such plays give sessions only.
        InputError: naming the days without plays, or without current features.
    """
    _require_active_feedback(store.config)
    if store.config.weights.function == "auto":
        require_days_to_choose(store.config)
    train_days, validation_days = training_days(last, store.config)
    require_plays(store, [*train_days, *validation_days])
    require_features(store, [*train_days, *validation_days])
    return train_days, validation_days


def training_is_due(config: Config, registry: Registry, day: date) -> bool:
    """Tell whether tonight also trains."""
    when = config.nightly.train
    if when == "when_missing":
        is_missing = registry.champion_versions() is None
        if is_missing:
            log("no model is champion yet, so this night trains", setting="nightly.train = when_missing")
        return is_missing
    return when == "always" or (when == "weekly" and day.weekday() == 0)


def _units(night: Night) -> list[Unit]:
    """Return the window that ends the day before, where training is due and can be done or must be."""
    if not training_is_due(night.config, night.models, night.first):
        return []
    last = night.first - timedelta(days=1)
    if night.models.champion_versions() is not None:
        train_days, validation_days = training_days(last, night.config)
        if missing := _days_without_plays(night.store, [*train_days, *validation_days]):
            # The champion can score tonight; a day that was never delivered must not keep it from that.
            warn("training is due but not done, the current champion stays", days_without_plays=missing)
            return []
    return [Unit("models", last)]


def _reads(last: date, config: Config) -> list[Unit]:
    tables = ("plays", "features") if has_joined_features(config) else ("plays",)
    days = [day for split in training_days(last, config) for day in split]
    return [Unit(table, day) for table in tables for day in days]


def _commit(night: Night, unit: Unit, record: dict[str, Any]) -> None:
    """Register a pair and remember what it was trained on; its version is the attention model's."""
    models = _register(night.store, night.models, unit.day)
    choose_where_missing(night.store, night.models, models[0], training_days(unit.day, night.config))
    state = DayState(
        unit,
        models[0],
        inputs=record["inputs"],
        settings=record["settings"],
        counts={"models": list(models)},
        run_id=record["run"],
        written_to="models",
    )
    night.states.record(state)


def _holds(night: Night, version: int) -> bool:
    try:
        night.models.version(version)
    except ModelError:
        return False
    return True


def _check(night: Night, unit: Unit) -> Outcome:
    state = night.states.get(unit)
    version = state.version if state else 0
    return Outcome({}, [Check("the registry holds the pair", _holds(night, version), f"version {version}")])


def _damage(night: Night, unit: Unit) -> str | None:
    state = night.states.get(unit)
    if state is None or _holds(night, state.version):
        return None
    return f"the registry does not hold version {state.version} any more; it is trained again"


def _finish(night: Night) -> None:
    """Promote what was trained; one that fails its gates only matters where nothing else can score."""
    state = night.states.get(Unit("models", night.first - timedelta(days=1)))
    assert state is not None
    try:
        promote(night.config, night.models, state.version)
    except ModelError as error:
        if night.models.champion_versions() is None:
            raise
        warn("the current champion stays", reason=str(error))


def _register(store: TableStore, registry: Registry, last: date) -> tuple[int, int]:
    """Train on the window before ``last`` and register both models; return (attention, propensity).

    The same snapshot, settings and code give the versions that are registered already. A run that was
    killed goes on from its checkpoint, in the same MLflow run.

    Raises:
        ConfigError: if no feedback of the feed is active: such plays give sessions only.
        InputError: naming the days without plays.
        AnotherRunError: if another run is at the same training.
    """
    config = store.config
    train_days, validation_days = trainable_days(store, last)
    manifest = write_snapshot(store, train_days, validation_days)
    key = training_key(manifest, config.network, config.training)
    folder = f"{config.paths.checkpoints.rstrip('/')}/{key}"
    with alone_in(folder, "training"):
        registered = registry.registered(key)
        if registered is not None:
            log("already trained", attention_version=registered[0], propensity_version=registered[1])
            return registered
        run_id = registry.open_run(key, manifest, (train_days[0], last))
        champion_path, champion_version = _store_champion(registry, folder, config)
        job = TrainingJob(
            manifest.root,
            config.network,
            config.training,
            folder,
            tracking_uri=config.paths.mlflow,
            run_id=run_id,
            champion_path=champion_path,
        )
        result = run_training(job)
        log("training finished", metrics={name: round(value, 5) for name, value in result.metrics.items()})
        return registry.register(key, run_id, manifest, result, {"champion_version": champion_version})


def promote(config: Config, registry: Registry, version: int | None = None, *, force: bool = False) -> int:
    """Make a version (the newest by default) champion if it passes every gate; return its number.

    Raises:
        PromotionRefusedError: listing the gates that failed.
    """
    candidate = registry.version(version)
    versions = registry.champion_versions()
    champion = versions[0] if versions else None
    if champion == int(candidate.version):
        log("is champion already", attention_version=champion)
        return champion
    failed = failed_gates(registry.candidate(candidate), champion, config.promotion)
    if failed and not force:
        raise PromotionRefusedError(
            f"version {candidate.version} was not promoted: {'; '.join(failed)} "
            "(--force promotes it all the same)"
        )
    for gate in failed:
        warn("gate overridden", gate=gate)
    registry.set_champion(candidate, failed)
    return int(candidate.version)


def _store_champion(registry: Registry, folder: str, config: Config) -> tuple[str, str]:
    """Lay the champion's networks where every rank can read them; ("", "") where none compares."""
    versions = registry.champion_versions()
    if versions is None:
        return "", ""
    champion = registry.load(*versions)
    try:
        require_same_features(champion.features, config)
    except ModelError as error:
        warn("the champion cannot be compared", reason=str(error))
        return "", str(versions[0])
    path = f"{folder}/champion.pt"
    save_tensors(path, champion.state)
    return path, str(versions[0])


def _require_active_feedback(config: Config) -> None:
    mapped = sorted(set(config.feed.feedback_map.values()))
    if not set(mapped).intersection(config.labels.active):
        raise ConfigError(
            f"feed.feedback_map maps to {', '.join(mapped) or 'nothing'} alone, and none of it is in "
            f"labels.active: plays of feed.format = {config.feed.format!r} can be cut into sessions, but "
            "without active feedback there is nothing to learn attention from"
        )


def require_plays(store: TableStore, days: list[date]) -> None:
    """Raise InputError naming the days that have no plays."""
    if missing := _days_without_plays(store, days):
        raise InputError(
            f"training needs plays of {days[0]} to {days[-1]}; missing: {', '.join(missing)}; "
            "run uae backfill for them, or change training.window_days"
        )


def _days_without_plays(store: TableStore, days: list[date]) -> list[str]:
    return [day.isoformat() for day in days if store.states.accepted("plays", day) is None]


TRAINING = Step(
    table="models",
    phase="train",
    units=_units,
    reads=_reads,
    settings=lambda config: config.digest_of("network", "training", "snapshot", "features", "publication"),
    commit=_commit,
    check=_check,
    damage=_damage,
    finish=_finish,
)
