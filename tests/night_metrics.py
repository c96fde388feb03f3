"""A night as a run tells it to monitoring: states of units as the steps leave them, without Spark."""

from __future__ import annotations

from datetime import date, timedelta

from tests.builders import DAY
from uae_model.core.run_figures import measured
from uae_model.lake import FEED, DayState, Unit
from uae_model.pipeline.unit_metrics import tell_checks, tell_unit
from uae_model.publication.checks import Check

SLOTS = {
    "dt=2026-01-05/hour=00": {"read": 10, "quarantined": 1, "inserted": 8, "duplicates": 1, "updated": 0},
    "dt=2026-01-05/hour=01": {"read": 5, "quarantined": 0, "inserted": 5, "duplicates": 0, "updated": 0},
}
PLAY_COUNTS = {"rows": 12, "plays": 12, "sessions": 4, "events": 13, "carried": 1, "excluded": 1}
CHECKS = [
    Check("the day has plays", True, "12 rows"),
    Check("plays within a factor of 2.00", False, "12, usual 100", "plays", 8.3, 2.0),
]


def tell_night(day: date = DAY) -> None:
    """Tell the run that goes on a night of two slots, 12 plays and a model of three days."""
    with measured("ingest"):
        for slot, counts in SLOTS.items():
            unit = Unit(FEED, day, slot)
            tell_unit("ingest", DayState(unit, 1, counts={**counts, "seconds": 1.5}, written_to="events"))
    tell_unit("sessions", DayState(Unit("plays", day), 2, counts={**PLAY_COUNTS, "seconds": 4.25}))
    facts = {"last_day": (day - timedelta(days=3)).isoformat(), "mean_attention": 0.4}
    tell_unit("score", DayState(Unit("scores", day), 3, counts={"models": [7, 8], "model_facts": facts}))
    tell_checks(day, CHECKS)
    published = {
        **{"row_count": 12, "quarantined_count": 1, "mean_passive_weight": 0.25},
        **{"neighbour": {"attention": 0.5, "active": 6}, "accepted_checks": ["plays"]},
    }
    tell_unit("publish", DayState(Unit("publications", day), 4, counts=published))
