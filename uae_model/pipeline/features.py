"""Step 3, where aggregates or attributes are declared: partials of each day, feature values of each play."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame

from uae_model import __version__
from uae_model.config import Config
from uae_model.config.measures import entities, entity_measures, first_needed_day
from uae_model.core.dates import days_between
from uae_model.core.digests import lines_digest
from uae_model.core.errors import ContractError, InputError
from uae_model.core.logs import log
from uae_model.features.aggregates import features_of_day, partials_of_day
from uae_model.features.dimensions import has_attributes, relevant_digests, with_attributes
from uae_model.lake import TableStore
from uae_model.pipeline.sessions import days_in_reach
from uae_model.sessions.cut import bots_of_day


@dataclass(frozen=True)
class DayOfFeatures:
    """A day of ``features``: its rows, and the days whose partial aggregates had to be built for it."""

    day: date
    plays: int
    partials_built: int


def has_joined_features(config: Config) -> bool:
    """Tell whether there is anything to do for this step."""
    return bool(config.features.joined)


def build_features(store: TableStore, day: date) -> DayOfFeatures:
    """Build a day of ``features`` where it is not current, and the partials that it needs.

    Raises:
        InputError: if the day has no plays.
        ContractError: if not every play has its row.
    """
    config = store.config
    if store.last_commit("plays", day) is None:
        raise InputError(f"{day} has no plays; run uae sessions --date {day} first")
    window = window_days(day, config)
    built = _build_partials(store, window)
    plays = store.read("plays", [day])
    count = plays.count()
    wanted = {**_wanted(store, day), **_attributes_wanted(store, [day])[day]}
    if _is_current(store, "features", day, wanted):
        log("features are current", dt=day)
        return DayOfFeatures(day, count, built)
    if has_attributes(config):
        plays = with_attributes(plays, _dimension_tables(store), day, config, count)
    partials = _partials(store, window)
    values = features_of_day(plays, partials, day, config, count)
    store.replace_day("features", day, values, {"step": "features", **wanted})
    rows = store.read("features", [day]).count()
    if rows != count:
        raise ContractError(f"table features, dt={day}: {rows} rows for {count} plays; event ids repeat")
    log("features written", dt=day, plays=count, partials_built=built)
    return DayOfFeatures(day, count, built)


def changed_days(store: TableStore, day: date) -> list[date]:
    """Return the days before ``day`` whose features were built from other plays, events or rows than now.

    A late event reaches ``feed.late_days`` back, and moves the features of the days after its own. So far
    back do late rows of dimensions reach too, however old the time that they speak of.
    """
    earlier = [each for each in days_in_reach(day, store.config) if store.last_commit("features", each)]
    if not earlier:
        return []
    if store.config.features.of_origin("aggregate"):
        first = window_days(earlier[0], store.config)[0]
        _build_partials(store, list(days_between(first, earlier[-1] - timedelta(days=1))))
    attributes = _attributes_wanted(store, earlier)
    return [
        each
        for each in earlier
        if not _is_current(store, "features", each, {**_wanted(store, each), **attributes[each]})
    ]


def require_features(store: TableStore, days: Sequence[date]) -> None:
    """Raise InputError naming the days whose features do not fit their plays and the declaration.

    Dimensions do not count: a day keeps the attributes it was built with once no night reopens it, or a row
    about last year would end training.
    """
    if not has_joined_features(store.config):
        return
    stale = [day for day in days if not _is_current(store, "features", day, _wanted(store, day))]
    if stale:
        raise InputError(
            f"table features: {', '.join(day.isoformat() for day in stale)} missing or older than the plays; "
            "run uae features --date for each, or uae backfill --until features"
        )


def window_days(day: date, config: Config) -> list[date]:
    """Return the days, oldest first, whose partials the features of a day read."""
    aggregates = config.features.of_origin("aggregate")
    if not aggregates:
        return []
    first = first_needed_day(day, aggregates)
    return [first + timedelta(days=offset) for offset in range((day - first).days)]


def _build_partials(store: TableStore, days: Sequence[date]) -> int:
    """Build the partials of those days whose events they do not fit; return how many were built."""
    built = 0
    if not days:
        return built
    for day, files in store.files_by_day("events", days).items():
        wanted = {"inputs": lines_digest(files), "settings": _partial_settings(store.config)}
        has_nothing = not files and store.last_commit("feature_partials", day) is None
        if not has_nothing and not _is_current(store, "feature_partials", day, wanted):
            _build_day_of_partials(store, day, wanted)
            built += 1
    return built


def _partials(store: TableStore, days: Sequence[date]) -> DataFrame:
    """Return the partials of these days; none, and no table of them, where no aggregate is declared."""
    if days:
        return store.read_or_empty("feature_partials", days)
    return store.spark.createDataFrame([], store.contract("feature_partials").schema)


def _build_day_of_partials(store: TableStore, day: date, wanted: dict[str, str]) -> None:
    events = store.read("events", [day])
    partials = partials_of_day(events, bots_of_day(events, day, store.config), store.config)
    store.replace_day("feature_partials", day, partials, {"step": "features", **wanted})
    log("partial aggregates written", dt=day)


def _wanted(store: TableStore, day: date) -> dict[str, str]:
    """Return what the commit of a day of ``features`` says if it is current, but for its attributes."""
    plays = store.files_by_day("plays", [day])[day]
    window = window_days(day, store.config)
    partials = store.files_by_day("feature_partials", window) if window else {}
    inputs = lines_digest([*plays, *(file for files in partials.values() for file in files)])
    declared = [
        {"name": feature.name, **feature.aggregate.model_dump(mode="json")}
        for feature in store.config.features.of_origin("aggregate")
        if feature.aggregate is not None
    ]
    declared += [
        {"name": feature.name, "source": feature.source}
        for feature in store.config.features
        if feature.is_attribute
    ]
    return {"inputs": inputs, "settings": lines_digest([__version__, json.dumps(declared, sort_keys=True)])}


def _attributes_wanted(store: TableStore, days: Sequence[date]) -> dict[date, dict[str, str]]:
    """Return what the commits of days of ``features`` say of dimensions if they are current."""
    if not has_attributes(store.config):
        return {day: {} for day in days}
    plays = store.read("plays", days)
    digests = relevant_digests(plays, _dimension_tables(store), list(days), store.config)
    return {day: {"attributes": lines_digest([digests[day]])} for day in days}


def _dimension_tables(store: TableStore) -> dict[str, DataFrame]:
    return {each.table: store.read_or_empty(each.table) for each in store.config.dimensions}


def _partial_settings(config: Config) -> str:
    """Return a digest of what partials depend on beside the events: not the windows, nor names and roles."""
    kept = {
        " x ".join(entity): sorted(measure.name for measure in entity_measures(features))
        for entity, features in entities(config).items()
    }
    rules = {
        "completed": config.aggregation.completed_seconds,
        "active": sorted(config.labels.active),
        "bots": config.sessions.max_plays_per_user_day,
    }
    return lines_digest([__version__, json.dumps([kept, rules], sort_keys=True)])


def _is_current(store: TableStore, table: str, day: date, wanted: dict[str, str]) -> bool:
    commit = store.last_commit(table, day)
    return commit is not None and all(commit.metadata.get(key) == value for key, value in wanted.items())
