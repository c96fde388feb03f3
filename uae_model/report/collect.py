"""From tables and registry to the facts of a report."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.dates import days_between
from uae_model.core.errors import InputError
from uae_model.evaluation.document import read_newest_document
from uae_model.lake import FEED, NO_DAY, DayState, TableStore, Unit
from uae_model.readers.spark import read_weights
from uae_model.report.contexts import contexts
from uae_model.report.facts import (
    FeatureDay,
    Freshness,
    PublicationFacts,
    QuarantineCount,
    ReportFacts,
    TableVersion,
    TruthComparison,
)
from uae_model.report.features import feature_days
from uae_model.report.models import ModelSource, read_model
from uae_model.report.publications import publication_facts, quarantine_counts
from uae_model.report.statistics import (
    compare_with_truth,
    feedback_history,
    passive_histograms,
    position_counts,
    user_count,
)

TREND_DAYS = 14
"""Days up to the report's that the trend and the quarantine cover where no range is asked for."""


def collect(
    store: TableStore,
    models: ModelSource | None,
    day: date,
    first: date | None = None,
    last: date | None = None,
) -> ReportFacts:
    """Read everything that the page shows; only published weights, at the versions that readers pin.

    With the newest evaluation that ``uae evaluate`` wrote and that judged no play after the range.

    Args:
        store: the tables.
        models: the registry; None where there is none: the page says so.
        day: the day of the report.
        first: first day of the plots; the day itself by default.
        last: last day of the plots; the day itself by default.

    Raises:
        InputError: if the day lies outside the range, or a day of the range is not published.
    """
    start, end = first or day, last or day
    if not start <= day <= end:
        raise InputError(f"--date {day} does not lie between --from {start} and --to {end}")
    trend_start = start if start < end else day - timedelta(days=TREND_DAYS - 1)
    trend = _published(store, day, trend_start, end)
    published = next(publication for publication in trend if publication.day == day)
    weights = read_weights(store.spark, store.config.paths.tables, start, end)
    of_day = weights.where(F.col("dt") == F.lit(day))
    model, model_missing = read_model(models, published, store.config)
    truth, truth_missing = _truth(store, weights, start, end)
    attention, weight = passive_histograms(weights)
    return ReportFacts(
        day=day,
        first=start,
        last=end,
        published=published,
        users=user_count(of_day),
        has_newer_weights=_has_newer_scores(store, day),
        tables=_table_versions(store, published),
        config_digest=published.run_id.rpartition("-")[2],
        weight_formula=_weight_formula(weights, day),
        trend=trend,
        history=feedback_history(weights),
        positions=position_counts(weights),
        attention=attention,
        weight=weight,
        quarantine=_quarantine(store, trend_start, end),
        trend_first=trend_start,
        model=model,
        model_missing=model_missing,
        truth=truth,
        truth_missing=truth_missing,
        health=_health(store, [publication.day for publication in trend]),
        evaluation=read_newest_document(store.config.paths.reports, end),
        contexts=contexts(of_day, store.config.features),
        freshness=_freshness(store, day),
    )


def _published(store: TableStore, day: date, first: date, last: date) -> tuple[PublicationFacts, ...]:
    """Return the published days of the trend, among them ``day``.

    Raises:
        InputError: naming the step that has not been run for the day.
    """
    publications: tuple[PublicationFacts, ...] = ()
    if store.exists("publications"):
        publications = publication_facts(store.read("publications"), first, last)
    if any(row.day == day for row in publications):
        return publications
    if store.states.version("scores", day) is not None:
        raise InputError(f"{day} has scores that are not published; run uae publish --date {day} first")
    raise InputError(f"{day} has no scores; run uae nightly --date {day} first")


def _has_newer_scores(store: TableStore, day: date) -> bool:
    """Tell whether a day was scored again since what is published of it."""
    scores = store.states.get(Unit("scores", day))
    published = store.states.get(Unit("publications", day))
    if scores is None or published is None:
        return False
    if published.inputs is None:
        return scores.committed_ms > published.committed_ms
    return published.inputs.get(str(scores.unit)) != scores.version


def _freshness(store: TableStore, day: date) -> Freshness:
    """Return when a day was published and how far the feed had come when the tables were last written."""
    published = store.states.get(Unit("publications", day))
    newest = [state.unit.day for state in store.states.of_table("publications") if state.is_accepted]
    slots = [state for state in store.states.of_table(FEED) if state.is_accepted and state.unit.day != NO_DAY]
    last = max(slots, key=lambda state: (state.unit.day, state.committed_ms), default=None)
    return Freshness(
        published_at=_committed_at(published),
        feed_day=last.unit.day if last else None,
        feed_taken_at=_committed_at(last),
        newest_published=max([day, *newest]),
    )


def _committed_at(state: DayState | None) -> datetime | None:
    """Return the time of a state's commit, where it is known."""
    if state is None or not state.committed_ms:
        return None
    return datetime.fromtimestamp(state.committed_ms / 1000, UTC)


def _table_versions(store: TableStore, published: PublicationFacts) -> tuple[TableVersion, ...]:
    versions = [TableVersion("weights", published.delta_version, "the version that readers of the day pin")]
    for name, meaning in (
        ("publications", "the commit that published the day"),
        ("plays", "the newest commit of the day"),
    ):
        version = store.states.version(name, published.day)
        if version is not None:
            versions.append(TableVersion(name, version, meaning))
    return tuple(versions)


def _weight_formula(weights: DataFrame, day: date) -> str:
    """Return the weight function of the day's passive plays, as its rows record it."""
    rows = weights.where(F.col("dt") == F.lit(day)).select("weighting").distinct().collect()
    return ", ".join(sorted(row["weighting"] for row in rows))


def _health(store: TableStore, days: list[date]) -> tuple[FeatureDay, ...]:
    if not store.exists("feature_health"):
        return ()
    return feature_days(store.read("feature_health", days))


def _quarantine(store: TableStore, first: date, last: date) -> tuple[QuarantineCount, ...]:
    if not store.exists("quarantine"):
        return ()
    return quarantine_counts(store.read("quarantine", days_between(first, last)))


def _truth(
    store: TableStore, weights: DataFrame, first: date, last: date
) -> tuple[TruthComparison | None, str]:
    """Return the comparison, or the reason why there is none."""
    if not store.exists("truth"):
        return None, "there is no table truth: these plays are real, or simulated without it"
    # A session that starts on the last day may go on after midnight.
    truth = store.read("truth", days_between(first, last + timedelta(days=1)))
    comparison = compare_with_truth(weights, truth)
    if comparison.known == 0:
        return None, "table truth holds none of these plays"
    return comparison, ""
