"""What monitoring learns of units and checks: a night checked by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.builders import DAY
from tests.night_metrics import tell_night
from uae_model.core import run_figures as metrics
from uae_model.core.run_figures import Metric, RunFigures, figures_of_run
from uae_model.ingest.accounting import IngestCounts, StatementCounts
from uae_model.lake import NO_DAY, DayState, Unit
from uae_model.pipeline.unit_metrics import OUTCOMES, tell_unit

D = DAY.isoformat()


def night() -> RunFigures:
    with figures_of_run("nightly") as figures:
        tell_night()
    return figures


def only(figures: RunFigures, metric: Metric) -> tuple[tuple[str, ...], float]:
    ((labels, value),) = figures.sums(metric).items()
    return labels, value


def test_slots_of_a_day_are_counted_together() -> None:
    rows = night().sums(metrics.FEED_ROWS)
    outcomes = {labels[-1]: value for labels, value in rows.items()}
    assert outcomes == {"read": 15, "quarantined": 1, "inserted": 13, "duplicates": 1, "updated": 0}
    assert {labels[:-1] for labels in rows} == {("nightly", D, "ingest", "events")}


def test_a_day_is_told_by_step_and_table() -> None:
    figures = night()
    assert figures.sums(metrics.BUILD_SECONDS) == {
        ("nightly", D, "ingest", "feed"): 3.0,
        ("nightly", D, "sessions", "plays"): 4.25,
    }
    assert only(figures, metrics.ROWS) == (("nightly", D, "sessions", "plays"), 12)
    told = {
        **{metrics.PLAYS: 12, metrics.SESSIONS: 4, metrics.EVENTS: 13},
        **{metrics.CARRIED_EVENTS: 1, metrics.EXCLUDED_EVENTS: 1},
    }
    for metric, value in told.items():
        assert only(figures, metric) == (("nightly", D, "sessions"), value)


def test_models_and_publication() -> None:
    figures = night()
    told = {metrics.MODEL_AGE: 3, metrics.ATTENTION_VERSION: 7, metrics.PROPENSITY_VERSION: 8}
    for metric, value in told.items():
        assert only(figures, metric) == (("nightly", D, "score"), value)
    published = {
        **{metrics.PUBLISHED_PLAYS: 12, metrics.QUARANTINED_ROWS: 1, metrics.MEAN_WEIGHT: 0.25},
        **{metrics.MEAN_ATTENTION: 0.5, metrics.ACTIVE_PLAYS: 6, metrics.ACCEPTED_CHECKS: 1},
    }
    for metric, figure in published.items():
        assert only(figures, metric) == (("nightly", D, "publish"), figure)


def test_the_newest_published_day_counts_whatever_the_order() -> None:
    with figures_of_run("backfill") as figures:
        for day in (DAY, DAY - timedelta(days=2)):
            tell_unit("publish", DayState(Unit("publications", day), 1))
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp()
    assert only(figures, metrics.PUBLISHED_DAY) == (("backfill",), midnight)


def test_checks_without_a_code_have_their_name() -> None:
    figures = night()
    assert figures.sums(metrics.CHECK_PASSED) == {
        ("nightly", D, "the day has plays"): 1,
        ("nightly", D, "plays"): 0,
    }
    assert only(figures, metrics.CHECK_VALUE) == (("nightly", D, "plays"), 8.3)
    assert only(figures, metrics.CHECK_LIMIT) == (("nightly", D, "plays"), 2.0)


def test_what_has_no_day_or_no_counts_tells_what_is_known() -> None:
    with figures_of_run("nightly") as figures:
        tell_unit("ingest", DayState(Unit("songs", NO_DAY), 1, counts={"rows": 5}))
        tell_unit("sessions", DayState(Unit("plays", DAY), 1))
    assert {metric.name for metric, _, _ in figures.values} == {"uae_rows"}
    assert only(figures, metrics.ROWS) == (("nightly", "", "ingest", "songs"), 5)


def test_outcomes_are_the_counts_of_the_accounts() -> None:
    assert set(OUTCOMES) == {*IngestCounts().to_dict(), *StatementCounts().to_dict()}
