"""A night: the chain from feed to publication for one day, and the days it reopens."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from uae_model.config import Config
from uae_model.core.dates import days_between
from uae_model.core.errors import ModelError, NotClosedError
from uae_model.core.logs import log_context, timed, warn
from uae_model.ingest.feed import Feed, Slot, reach
from uae_model.lake import TableStore
from uae_model.pipeline.dimensions import ingest_dimensions
from uae_model.pipeline.features import build_features, changed_days, has_joined_features
from uae_model.pipeline.ingest import IngestCounts, ingest_slots
from uae_model.pipeline.publish import needs_publication, publish_day
from uae_model.pipeline.score import plays_changed, score_day
from uae_model.pipeline.sessions import DayOfPlays, build_day, days_in_reach, reopened_days
from uae_model.pipeline.train import promote, train
from uae_model.registry.client import Registry
from uae_model.sessions.cut import closing_time


def closed_slots(feed: Feed, first: date, last: date, config: Config) -> list[Slot]:
    """Return the feed slots that close the sessions of ``first`` to ``last``.

    Raises:
        NotClosedError: if the delivered feed does not reach far enough. An open session is never scored
            as if it had ended.
    """
    needed = closing_time(last, config).replace(tzinfo=None)
    slots = list(feed.complete_slots(first, closing_time(last, config)))
    reached = reach(slots)
    if reached is None or reached.replace(tzinfo=None) < needed:
        raise NotClosedError(
            f"{last} is not closed: the complete feed reaches "
            f"{_show(reached) if reached else 'no slot of ' + first.isoformat()}, sessions of the day end "
            f"by {_show(needed)} (midnight + sessions.max_hours); wait for the next delivery"
        )
    return slots


def run_night(store: TableStore, registry: Registry, day: date) -> dict[str, Any]:
    """Ingest, cut sessions, train where due, score and publish a day; return the summary.

    Every step is skipped where its result is there already, so a night that was killed goes on where
    it stopped.
    """
    seconds: dict[str, float] = {}
    with log_context(run_id=store.config.run_id(day.isoformat())):
        with timed("ingest", seconds):
            feed = Feed(store.spark, store.config)
            counts = ingest_slots(store, feed, closed_slots(feed, day, day, store.config))
            dimensions = ingest_dimensions(store, day, day)
        with timed("sessions", seconds):
            built = [build_day(store, each) for each in [*reopened_days(store, day), day]]
        if has_joined_features(store.config):
            with timed("features", seconds):
                for each in [*changed_days(store, day), day]:
                    build_features(store, each)
        if training_is_due(store.config, registry, day):
            with timed("train", seconds):
                _train_and_promote(store, registry, day)
        earlier = days_in_reach(day, store.config)
        with timed("score", seconds):
            champion = registry.champion()
            # A day that late events reopened is scored anew only if it was scored before.
            for each in [*(each for each in earlier if plays_changed(store, each)), day]:
                score_day(store, champion, each)
        with timed("publish", seconds):
            published = publish_day(store, day)
            republished = [each for each in earlier if needs_publication(store, each)]
            for each in republished:
                publish_day(store, each)
    return summary(built[-1], counts, published.asDict(), republished, seconds, dimensions)


def prepare_days(store: TableStore, first: date, last: date) -> tuple[IngestCounts, list[DayOfPlays]]:
    """Ingest the slots of a range of days and cut their sessions, each day once, in order."""
    feed = Feed(store.spark, store.config)
    counts = ingest_slots(store, feed, closed_slots(feed, first, last, store.config))
    ingest_dimensions(store, first, last)
    days = [*reopened_days(store, first), *days_between(first, last)]
    return counts, [build_day(store, day) for day in days]


def training_is_due(config: Config, registry: Registry, day: date) -> bool:
    """Tell whether tonight also trains."""
    when = config.nightly.train
    if when == "when_missing":
        return registry.champion_versions() is None
    return when == "always" or (when == "weekly" and day.weekday() == 0)


def summary(
    plays: DayOfPlays,
    counts: IngestCounts,
    published: dict[str, Any],
    republished: list[date],
    seconds: dict[str, float],
    dimensions: dict[str, dict[str, int]],
) -> dict[str, Any]:
    """Return the line that a scheduler reads; counts of dimensions only where some are declared."""
    return {
        "dt": plays.day.isoformat(),
        "plays": plays.plays,
        "sessions": plays.sessions,
        "events": plays.events,
        "carried": plays.carried,
        "excluded": plays.excluded,
        "quarantined": published["quarantined_count"],
        "duplicates": counts.duplicates,
        "weights": published["row_count"],
        "delta_version": published["delta_version"],
        "attention_model_version": published["attention_model_version"],
        "propensity_model_version": published["propensity_model_version"],
        "republished": [each.isoformat() for each in republished],
        **({"dimensions": dimensions} if dimensions else {}),
        "seconds": seconds,
    }


def _train_and_promote(store: TableStore, registry: Registry, day: date) -> None:
    version, _ = train(store, registry, day - timedelta(days=1))
    try:
        promote(store.config, registry, version)
    except ModelError as error:
        if registry.champion_versions() is None:
            raise
        warn("the current champion stays", reason=str(error))


def _show(moment: datetime) -> str:
    return "the end of the dataset" if moment.year == datetime.max.year else f"{moment:%Y-%m-%d %H:%M}"
