"""A night: the chain from feed to publication for one day, and the days it reopens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from uae_model.config import Config
from uae_model.core.dates import days_between
from uae_model.core.errors import NotClosedError
from uae_model.core.logs import log_context
from uae_model.ingest.accounting import IngestCounts, StatementCounts
from uae_model.ingest.feed import Feed, Slot, reach
from uae_model.lake import FEED, DayState, TableStore
from uae_model.pipeline.plan import Planned, expired_notices, late_notice, plan
from uae_model.pipeline.runner import Results, build, run_steps
from uae_model.pipeline.step import Night, Step
from uae_model.pipeline.steps import FEATURE_STEPS, PLAYS, TRAINING, ingest_steps, steps_of_night
from uae_model.pipeline.steps.publication import published_row
from uae_model.pipeline.steps.scores import lost_models, require_known_registry
from uae_model.pipeline.steps.training import training_days
from uae_model.pipeline.weight_choice import choose_where_missing
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


def open_night(store: TableStore, first: date, last: date, registry: Registry | None = None) -> Night:
    """Return a night of closed days.

    Raises:
        NotClosedError: if the delivered feed does not reach far enough.
    """
    slots = closed_slots(Feed(store.spark, store.config), first, last, store.config)
    return Night(store, first, last, registry, slots)


def run_night(store: TableStore, registry: Registry, day: date) -> dict[str, Any]:
    """Ingest, cut sessions, train where due, score and publish a day; return the summary.

    Every step is skipped where its result is there already, so a night that was killed goes on where
    it stopped.
    """
    seconds: dict[str, float] = {}
    with log_context(run_id=store.config.run_id(day.isoformat()), day=day):
        night = open_night(store, day, day, registry)
        require_known_registry(night)
        results = run_steps(night, steps_of_night(store.config), seconds)
    return summary_of(night, results, seconds)


def train(store: TableStore, registry: Registry, last: date) -> tuple[int, int]:
    """Train on the window before ``last`` where its days have changed; return (attention, propensity)."""
    attention, propensity = build(store, TRAINING, last, registry).counts["models"]
    # A pair that was registered before the weight function was to be chosen has no choice yet.
    choose_where_missing(store, registry, attention, training_days(last, store.config))
    return attention, propensity


def plan_night(store: TableStore, registry: Registry, day: date) -> tuple[list[Planned], list[str]]:
    """Return what the night of a day would build, and what else a person should know; nothing is written."""
    night = open_night(store, day, day, registry)
    planned = plan(night, steps_of_night(store.config))
    notices = [*lost_models(night, [*night.earlier(), day]), *expired_notices(planned)]
    late = late_notice(night, planned)
    buildable = [item for item in planned if item.expired is None]
    return buildable, [*notices, late] if late else notices


def waiting_days(store: TableStore, first: date, last: date) -> dict[date, NotClosedError]:
    """Return the days of a range that are not closed, each with the reason."""
    feed, waiting = Feed(store.spark, store.config), {}
    for day in days_between(first, last):
        try:
            closed_slots(feed, day, day, store.config)
        except NotClosedError as error:
            waiting[day] = error
    return waiting


def prepare_days(store: TableStore, first: date, last: date, *, features: bool = False) -> Results:
    """Ingest the slots of a range of days and cut their sessions, each day once, in order.

    All days come before the first one is scored, so that late events of the range reopen nothing.
    """
    night = open_night(store, first, last)
    steps: Sequence[Step] = [*ingest_steps(store.config), PLAYS, *(FEATURE_STEPS if features else ())]
    return run_steps(night, steps)


def play_counts(state: DayState) -> dict[str, Any]:
    """Return how a day's events are accounted for: events = plays of the day + carried + excluded."""
    names = ("plays", "sessions", "events", "carried", "excluded")
    return {"dt": state.unit.day.isoformat(), **{name: state.counts.get(name, 0) for name in names}}


def ingested(results: Results) -> IngestCounts:
    """Return what became of the rows of the slots of plays that were ingested now."""
    return IngestCounts.of(*_counts_now(results, "events"))


def ingested_statements(results: Results, config: Config) -> dict[str, dict[str, int]]:
    """Return, for each dimension, what became of the rows of the slots that were ingested now."""
    tables = [dimension.table for dimension in config.dimensions]
    return {table: StatementCounts.of(*_counts_now(results, table)).to_dict() for table in tables}


def _counts_now(results: Results, table: str) -> list[dict[str, Any]]:
    states = [result.state for result in results.get(FEED, []) if result.reason]
    return [state.counts for state in states if state.written_to == table]


def summary_of(night: Night, results: Results, seconds: dict[str, float]) -> dict[str, Any]:
    """Return the line that a scheduler reads; counts of dimensions only where some are declared."""
    day = night.first
    plays = next(r.state for r in results["plays"] if r.state.unit.day == day)
    if "events" not in plays.counts:  # a day from before the memory was never counted into it
        plays = replace(plays, counts={**plays.counts, **PLAYS.check(night, plays.unit).counts})
    published = next(r.state for r in results["publications"] if r.state.unit.day == day).counts
    if "row_count" not in published:
        row = published_row(night.store, day)
        models = [row["attention_model_version"], row["propensity_model_version"]]
        published = {**row.asDict(), "models": models}
    attention, propensity = published["models"]
    rows = ingested(results)
    dimensions = ingested_statements(results, night.config)
    return {
        **play_counts(plays),
        "quarantined": published["quarantined_count"],
        "duplicates": rows.remainder,
        "withdrawn": rows.withdrawn,
        "weights": published["row_count"],
        "delta_version": published["delta_version"],
        "attention_model_version": attention,
        "propensity_model_version": propensity,
        "republished": [
            r.state.unit.day.isoformat()
            for r in results["publications"]
            if r.reason and r.state.unit.day != night.first
        ],
        **({"late_events_waiting": night.late.waiting} if night.config.feed.reopen == "weekly" else {}),
        **({"dimensions": dimensions} if dimensions else {}),
        "seconds": seconds,
    }


def _show(moment: datetime) -> str:
    return "the end of the dataset" if moment.year == datetime.max.year else f"{moment:%Y-%m-%d %H:%M}"
