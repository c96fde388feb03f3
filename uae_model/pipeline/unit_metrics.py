"""What monitoring learns of units that are current or just accepted, and of the checks of a publication."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from uae_model.core import run_figures as metrics
from uae_model.core.dates import midnight
from uae_model.core.run_figures import Metric, current_run, tell
from uae_model.ingest.accounting import IngestCounts, StatementCounts
from uae_model.lake import FEED, NO_DAY, SECONDS, DayState
from uae_model.publication.checks import Check
from uae_model.publication.model_checks import ScoringModel

OUTCOMES = tuple(dict.fromkeys([*IngestCounts().to_dict(), *StatementCounts().to_dict()]))
"""Counts of a feed slot, of plays or of a dimension."""

OF_PLAYS: Mapping[str, Metric] = {
    "plays": metrics.PLAYS,
    "sessions": metrics.SESSIONS,
    "events": metrics.EVENTS,
    "carried": metrics.CARRIED_EVENTS,
    "excluded": metrics.EXCLUDED_EVENTS,
}
OF_PUBLICATION: Mapping[str, Metric] = {
    "row_count": metrics.PUBLISHED_PLAYS,
    "quarantined_count": metrics.QUARANTINED_ROWS,
    "mean_passive_weight": metrics.MEAN_WEIGHT,
}


def tell_unit(phase: str, state: DayState) -> None:
    """Tell the run that goes on what is known of an accepted unit.

    Args:
        phase: the step that made it, as its seconds are counted.
        state: of the unit, with its counts.
    """
    if current_run() is None:
        return
    unit, counts = state.unit, state.counts
    day = "" if unit.day == NO_DAY else unit.day.isoformat()
    where = {"day": day, "step": phase}
    tell(metrics.BUILD_SECONDS, counts.get(SECONDS), part=unit.part, table=unit.table, **where)
    if unit.table == FEED:
        for outcome in OUTCOMES:
            value = counts.get(outcome)
            tell(metrics.FEED_ROWS, value, part=unit.part, table=state.table, outcome=outcome, **where)
        return
    tell(metrics.ROWS, counts.get("rows"), table=unit.table, **where)
    if unit.table == "plays":
        _tell_counts(OF_PLAYS, counts, where)
    if unit.table == "scores":
        _tell_models(unit.day, counts, where)
    if unit.table == "publications":
        _tell_publication(unit.day, counts, where)


def tell_checks(day: date, checks: Iterable[Check]) -> None:
    """Tell the run that goes on how the checks of a day's publication ended."""
    for check in checks:
        where = {"day": day.isoformat(), "check": check.code or check.name}
        tell(metrics.CHECK_PASSED, float(check.passed), **where)
        tell(metrics.CHECK_VALUE, check.value, **where)
        tell(metrics.CHECK_LIMIT, check.threshold, **where)


def _tell_counts(named: Mapping[str, Metric], counts: Mapping[str, Any], where: Mapping[str, str]) -> None:
    for name, metric in named.items():
        tell(metric, counts.get(name), **where)


def _tell_models(day: date, counts: Mapping[str, Any], where: Mapping[str, str]) -> None:
    facts = ScoringModel.of_counts(counts)
    if facts.last_day is not None:
        tell(metrics.MODEL_AGE, (day - facts.last_day).days, **where)
    if "models" in counts:
        attention, propensity = counts["models"]
        tell(metrics.ATTENTION_VERSION, attention, **where)
        tell(metrics.PROPENSITY_VERSION, propensity, **where)


def _tell_publication(day: date, counts: Mapping[str, Any], where: Mapping[str, str]) -> None:
    _tell_counts(OF_PUBLICATION, counts, where)
    tell(metrics.ACCEPTED_CHECKS, len(counts.get("accepted_checks", ())), **where)
    figures = counts.get("neighbour", {})
    tell(metrics.MEAN_ATTENTION, figures.get("attention"), **where)
    tell(metrics.ACTIVE_PLAYS, figures.get("active"), **where)
    _tell_newest_day(day)


def _tell_newest_day(day: date) -> None:
    figures = current_run()
    if figures is not None:
        known = figures.sums(metrics.PUBLISHED_DAY).values()
        figures.tell(metrics.PUBLISHED_DAY, max([*known, midnight(day).timestamp()]))
