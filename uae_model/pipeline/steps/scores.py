"""Plays into scores, with the champion resolved once; a publication copies from here what has passed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.errors import ModelError
from uae_model.features.columns import plays_with_features
from uae_model.lake import MANY_ROWS, DayState, Unit
from uae_model.lake.added import file_form, local_files_of_day, replace_day_by_files
from uae_model.pipeline.step import Night, Outcome, Step, built_before, require_accepted
from uae_model.pipeline.steps.features import has_joined_features, require_features
from uae_model.publication.checks import Check
from uae_model.publication.model_checks import ScoringModel
from uae_model.readers.spark_storage import damage_of
from uae_model.registry.client import ARTIFACT_DIGEST
from uae_model.registry.description import last_day_of
from uae_model.registry.gates import RegisteredCandidate
from uae_model.scoring.day_files import FileScoring, score_files
from uae_model.scoring.order import are_whole_sessions
from uae_model.scoring.udf import score_plays, serialise
from uae_model.training.comparison import CLEARLY
from uae_model.weights.functions import WeightFunction
from uae_model.weights.resolution import resolve_weight_function


def models_of(scored: DayState) -> tuple[int, int] | None:
    """Return the pair (attention, propensity) that scored a day, as its state says; None if it does not."""
    named = scored.counts.get("models") or str((scored.inputs or {}).get("model", "")).split("/")
    return (int(named[0]), int(named[1])) if len(named) == 2 else None


def lost_models(night: Night, days: list[date]) -> list[str]:
    """Return a line for each of these days whose model the registry does not hold any more."""
    lines = []
    for day in days:
        state = night.states.get(Unit("weights", day))
        models = models_of(state) if state else None
        if models is None:
            continue
        try:
            night.models.version(models[0])
        except ModelError:
            lines.append(
                f"weights {day}: the registry does not hold attention model {models[0]} that scored it; the "
                "day stays as it is, and is scored with the champion when it is next built"
            )
    return lines


def require_known_registry(night: Night) -> None:
    """Raise ModelError where the registry is not the one that scored the published days.

    A registry that was lost or mixed up would number other models as before, and readers could not tell them
    apart. It may go on once a person says that it takes the place of a lost one (``uae promote
    --after-loss``).
    """
    newest = next(
        (state for state in reversed(night.states.of_table("publications")) if state.is_accepted), None
    )
    weights = night.states.accepted("weights", newest.unit.day) if newest else None
    models = models_of(weights) if weights else None
    if weights is None or models is None or night.models.follows_lost:
        return
    told = f"the last published weights, of {weights.unit.day}, were scored by attention model {models[0]}"
    remedy = (
        "restore the registry or set paths.mlflow; if it is lost for good: uae train, then uae promote "
        "--after-loss"
    )
    try:
        tags = night.models.version(models[0]).tags
    except ModelError as error:
        raise ModelError(f"{told}, which {night.models.uri} does not hold; {remedy}") from error
    digest, known = tags.get(ARTIFACT_DIGEST), weights.counts.get("model_digest")
    if digest and known and digest != known:
        raise ModelError(
            f"{told} with digest {known[:12]}; in {night.models.uri} version {models[0]} is another model, "
            f"{digest[:12]}; {remedy}"
        )


def require_plays_and_features(night: Night, unit: Unit) -> None:
    """Raise InputError where the plays of a day are missing, or the features that are declared."""
    require_accepted(night, "plays", unit.day, f"uae sessions --date {unit.day}")
    require_features(night.store, [unit.day])


def reads_scored(day: date, config: Config) -> list[Unit]:
    """Return what scoring reads of a day."""
    features = [Unit("features", day)] if has_joined_features(config) else []
    return [Unit("plays", day), *features]


def champion_input(night: Night, unit: Unit) -> dict[str, Any]:
    """Return the pair that scores, attention/propensity."""
    versions = night.models.champion_versions()
    return {"model": "/".join(map(str, versions))} if versions else {}


def _models_and_choice(night: Night, unit: Unit) -> dict[str, Any]:
    """Return the pair that scores and, where that is configured, the weight function chosen for it."""
    versions = night.models.champion_versions()
    if night.config.weights.function != "auto" or versions is None:
        return champion_input(night, unit)
    choice = night.models.weight_choice(versions[0])
    return {**champion_input(night, unit), "weight function": choice.name if choice else "not chosen"}


def lie_in_order(night: Night, day: date) -> bool:
    """Tell whether each of Spark's tasks has whole sessions of a day, play after play."""
    return _can_be_scored_where_they_lie(night, day) and are_whole_sessions(night.store.read("plays", [day]))


def _can_be_scored_where_they_lie(night: Night, day: date) -> bool:
    """Tell whether to look if they lie in order is worth while.

    To join features moves the rows, and of small days it costs more to look than to shuffle.
    """
    return night.row_count("plays", day) >= MANY_ROWS and not has_joined_features(night.config)


def scored_rows(night: Night, day: date, *, in_order: bool) -> tuple[DataFrame, dict[str, Any]]:
    """Return the plays of a day with attention, propensity and weight, and what is known of the models."""
    config, weighting = night.config, _weighting(night)
    plays = plays_with_features(night.store, [day])
    scored = score_plays(
        plays, _networks(night), weighting, config, night.row_count("plays", day), in_order=in_order
    )
    same = {name: F.lit(value) for name, value in _same_in_all_rows(night, day).items()}
    return scored.withColumns(same), _counts(night, weighting)


def _commit(night: Night, unit: Unit, record: dict[str, Any]) -> None:
    """Replace a day of scores: file by file where they are large and lie as they should, else by rows.

    Rows that were shuffled lie in many small tasks and are gathered.
    """
    day, store = unit.day, night.store
    scoring = _file_scoring(night, day)
    files = score_files(store.spark, scoring) if scoring else None
    if scoring and files is not None:
        counts = _counts(night, scoring.weighting)
        replace_day_by_files(store, unit.table, day, files, {**record, "counts": counts})
        return
    # Tasks that could not score the files have told that sessions are cut: there is no need to look again.
    in_order = scoring is None and lie_in_order(night, day)
    frame, counts = scored_rows(night, day, in_order=in_order)
    about_rows = night.row_count("plays", day) if in_order else 0
    store.replace_day(unit.table, day, frame, {**record, "counts": counts}, about_rows=about_rows)


def _file_scoring(night: Night, day: date) -> FileScoring | None:
    """Return how the files of a day are scored one by one; None where that is left to Spark."""
    if not _can_be_scored_where_they_lie(night, day):
        return None
    store, config, weighting = night.store, night.config, _weighting(night)
    form, plays = file_form(store, "scores"), local_files_of_day(store, "plays", day)
    if form is None or plays is None:
        return None
    return FileScoring(
        day=day,
        plays=tuple(plays),
        form=form,
        networks=_networks(night),
        categorical=config.features.categorical,
        numeric=config.features.numeric,
        batch_plays=config.scoring.batch_plays,
        weighting=weighting,
        same={"weighting": weighting.describe(), **_same_in_all_rows(night, day)},
    )


def _weighting(night: Night) -> WeightFunction:
    champion = night.champion
    return resolve_weight_function(
        night.config.weights, champion.traits, champion.state["calibration"], champion.weight_choice
    )


def _networks(night: Night) -> Broadcast[bytes]:
    return night.store.spark.sparkContext.broadcast(serialise(night.champion.state))


def _same_in_all_rows(night: Night, day: date) -> dict[str, Any]:
    champion = night.champion
    return {
        "attention_model_version": champion.attention_version,
        "propensity_model_version": champion.propensity_version,
        "run_id": night.config.run_id(day.isoformat()),
    }


def _counts(night: Night, weighting: WeightFunction) -> dict[str, Any]:
    """Return what the day's state keeps of the models."""
    champion = night.champion
    return {
        "models": [champion.attention_version, champion.propensity_version],
        "weighting": weighting.describe(),
        "model_digest": champion.digest,
        "mean_interval": champion.state["calibration"].get("mean_interval"),
        "model_facts": model_facts(night.models.recorded(champion.attention_version)).recorded(),
    }


def model_facts(recorded: Mapping[str, str]) -> ScoringModel:
    """Return what publications judge a model by, from what its registry recorded of the attention version."""
    candidate = RegisteredCandidate.of({}, recorded)
    evidence = candidate.evidence
    return ScoringModel(
        last_day=last_day_of(recorded),
        mean_attention=_finite(float(recorded.get("validation_mean_attention", "nan"))),
        evidence=None if evidence is None else _finite(evidence + CLEARLY * candidate.evidence_error),
        agreement=None if candidate.agreement is None else _finite(candidate.agreement),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _check(night: Night, unit: Unit) -> Outcome:
    scores, plays = (night.row_count(table, unit.day) for table in ("scores", "plays"))
    counted = f"{scores} rows for {plays} plays"
    return Outcome({}, [Check("each play has one weight", scores == plays, counted)])


def damage_of_scores(night: Night, day: date) -> str | None:
    """Return what is wrong with the files of a scored day."""
    state = night.states.get(Unit("scores", day))
    if state is None or "rows" not in state.counts:
        return None
    pinned, rows = {day: night.states.seen(state.table)}, {day: int(state.counts["rows"])}
    problems = damage_of(night.store.spark, night.store.path(state.table), pinned, rows)
    return problems.get(day)


SCORES = Step(
    table="scores",
    phase="score",
    units=built_before("scores"),
    reads=reads_scored,
    outside=_models_and_choice,
    pinned=frozenset({"model", "weight function"}),
    settings=lambda config: config.digest_of("weights", "scoring", "features"),
    requires=require_plays_and_features,
    commit=_commit,
    check=_check,
)
