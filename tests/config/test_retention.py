"""Retention: what is given up is nothing that a night or a training reads."""

from __future__ import annotations

import pytest

from uae_model.config import load_config
from uae_model.core.errors import ConfigError

SHORT = ["feed.late_days=3", "training.window_days=5", "training.validation_days=2"]


def test_only_quarantine_expires_by_default() -> None:
    retention = load_config(None).retention
    kept = {
        name: retention.days_of_rows(name)
        for name in ("events", "quarantine", "plays", "feature_partials", "features", "weights", "truth")
    }
    assert {name: days for name, days in kept.items() if days is not None} == {"quarantine": 90}


@pytest.mark.parametrize(
    ("profile", "table", "least", "why"),
    [
        # late_days + 2 = 5; sessions reach back a day: gap 0.5 h + play 6 h + session 6 h; 5 + 2 + 1 = 8.
        ("default", "quarantine", 5, "the days that late events reopen (feed.late_days = 3, and two)"),
        ("default", "events", 5, "the days that late events reopen"),
        ("default", "plays", 8, "the days that a training reads (training.window_days = 5"),
        ("default", "features", 8, "the days that a training reads"),
        # The longest window of product44 is 30 days.
        ("product44", "events", 35, "the longest window of an aggregate (30 days) and the days that late"),
        ("product44", "feature_partials", 35, "the longest window of an aggregate (30 days)"),
    ],
)
def test_what_is_read_again_cannot_expire(profile: str, table: str, least: int, why: str) -> None:
    setting = f"retention.{table}_days"
    with pytest.raises(ConfigError) as failure:
        load_config(None, profile=profile, overrides=[*SHORT, f"{setting}={least - 1}"])
    assert str(failure.value).startswith(f"{setting} = {least - 1}: must be at least {least}, {why}")
    config = load_config(None, profile=profile, overrides=[*SHORT, f"{setting}={least}"])
    assert config.retention.days_of_rows(table) == least


def test_long_sessions_and_late_events_need_more_plays_than_a_short_training() -> None:
    overrides = ["feed.late_days=9", "sessions.max_hours=24", "sessions.max_play_hours=24"]
    overrides += ["training.window_days=2", "training.validation_days=1", "retention.plays_days=13"]
    message = r"plays_days = 13: must be at least 14, .*sessions may begin \(3\)"
    with pytest.raises(ConfigError, match=message):
        load_config(None, overrides=overrides)


def test_a_retention_of_no_day_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"retention\.events_days = 0: .*greater than or equal to 1"):
        load_config(None, overrides=["retention.events_days=0"])
