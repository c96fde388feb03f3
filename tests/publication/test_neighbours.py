"""A day against the days published last."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.publication.test_checks import GOOD
from uae_model.config import Config, load_config
from uae_model.publication.checks import WEIGHT_EDGES
from uae_model.publication.neighbours import DayFigures, check_against_neighbours, neighbours_of

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)
LIMITS = load_config(None).publication
DAY = DayFigures(
    day=MONDAY,
    models=(1, 2),
    plays=100_000,
    sessions=10_000,
    active=10_000,
    attention=0.3,
    weight=0.2,
    histogram=(10_000, 10_000, 10_000, 10_000, 20_000, 20_000, 10_000, 0, 0, 0, 0),
    missing={"device": 0.01, "artist": 0.3},
    unseen={"artist": 0.02},
)


def days_before(day: DayFigures, count: int, **changes: Any) -> list[DayFigures]:
    """Return days like this one, of the days before it, oldest first."""
    return [
        replace(day, **{"day": day.day - timedelta(days=back), **changes}) for back in range(count, 0, -1)
    ]


WEEK = days_before(DAY, 7)


def failing(day: DayFigures, neighbours: list[DayFigures] | None = None) -> list[str]:
    checks = check_against_neighbours(day, WEEK if neighbours is None else neighbours, LIMITS)
    return [check.code for check in checks if not check.passed]


def test_a_day_like_its_neighbours_passes_every_check() -> None:
    checks = check_against_neighbours(DAY, WEEK, LIMITS)
    assert [check.code for check in checks] == [
        *("plays", "sessions", "weekday_plays", "weekday_sessions", "session_length", "active_share"),
        *("mean_attention", "mean_weight", "weight_distribution", "missing_values", "unseen_values"),
    ]
    assert all(check.passed for check in checks)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"plays": 12_500, "sessions": 1_250, "active": 1_250}, {"plays", "sessions"}),
        ({"plays": 50_000, "sessions": 5_000, "active": 5_000}, {"weekday_plays", "weekday_sessions"}),
        ({"plays": 200_000, "active": 20_000}, {"weekday_plays", "session_length"}),
        ({"sessions": 20_000}, {"weekday_sessions", "session_length"}),
        ({"active": 80_000}, {"active_share"}),
        ({"active": 0}, {"active_share"}),
        ({"attention": 6e-6}, {"mean_attention"}),
        ({"attention": float("nan")}, {"mean_attention"}),
        ({"weight": 0.05}, {"mean_weight"}),
        ({"weight": 1.0}, {"mean_weight"}),
        ({"histogram": (0,) * 8 + (90_000, 0, 0)}, {"weight_distribution"}),
        ({"missing": {"device": 1.0, "artist": 0.3}}, {"missing_values"}),
        ({"missing": {"device": 0.2, "artist": 0.45}}, set()),
        ({"unseen": {"artist": 0.5}}, {"unseen_values"}),
        ({"attention": None, "weight": None, "histogram": (0,) * 11}, set()),
    ],
)
def test_what_jumps_is_refused_by_its_own_checks(changes: dict[str, Any], codes: set[str]) -> None:
    failed = set(failing(replace(DAY, **changes)))
    assert codes <= failed
    # Fewer sessions than usual also fail the check of the weekday.
    assert failed - codes <= {"weekday_plays", "weekday_sessions"}


def test_a_refusal_tells_the_figure_the_usual_one_and_the_limit() -> None:
    check = check_against_neighbours(replace(DAY, plays=12_500), WEEK, LIMITS)[0]
    assert check.code == "plays"
    assert str(check) == (
        "plays within a factor of 2.50 of the last days: FAILED (1.25e+04, usual 1e+05, factor 8.00)"
    )
    assert check.value == pytest.approx(8)
    assert check.threshold == pytest.approx(2.5, abs=0.01)


def test_weekends_are_compared_with_weekends() -> None:
    weekend = [
        replace(n, plays=170_000, sessions=17_000) if n.day.weekday() >= 5 else n
        for n in days_before(replace(DAY, day=MONDAY - timedelta(days=2)), 7)
    ]
    saturday = replace(DAY, day=MONDAY - timedelta(days=2), plays=170_000, sessions=17_000)
    assert failing(saturday, weekend) == []
    assert failing(replace(saturday, plays=85_000, sessions=8_500), weekend) == [
        "weekday_plays",
        "weekday_sessions",
    ]


def test_a_holiday_a_week_before_refuses_no_usual_day() -> None:
    holiday = [replace(WEEK[0], plays=50_000, sessions=5_000), *WEEK[1:]]
    assert failing(DAY, holiday) == []


def test_another_model_may_weigh_otherwise_but_not_anyhow() -> None:
    new = replace(DAY, models=(3, 4))
    assert failing(replace(DAY, attention=0.45)) == ["mean_attention"]
    assert failing(replace(new, attention=0.45)) == []
    assert failing(replace(new, attention=0.7)) == ["mean_attention"]


def test_few_neighbours_judge_with_wide_limits() -> None:
    half = replace(DAY, plays=50_000, sessions=5_000, active=5_000)
    assert failing(replace(DAY, active=18_500)) == ["active_share"]
    assert failing(replace(DAY, active=18_500), WEEK[-2:]) == []
    assert failing(half, WEEK[-2:]) == []
    eighth = replace(DAY, plays=12_500, sessions=1_250, active=1_250)
    assert failing(eighth, WEEK[-2:]) == ["plays", "sessions"]
    assert failing(DAY, []) == []


def test_small_days_may_differ_by_the_noise_of_their_sessions() -> None:
    small = replace(DAY, plays=300, sessions=30, active=30, histogram=tuple(n // 1000 for n in DAY.histogram))
    assert failing(replace(small, attention=0.45), days_before(small, 7)) == []
    assert failing(replace(small, sessions=3, plays=30), days_before(small, 7)) != []


class TestChoice:
    def chosen(self, day: date, published: list[DayFigures], **limits: Any) -> list[int]:
        kept = neighbours_of(day, published, LIMITS.model_copy(update=limits))
        return [(MONDAY - figures.day).days for figures in kept]

    def test_they_are_the_last_days_before(self) -> None:
        published = days_before(DAY, 10)[::-1]
        assert self.chosen(MONDAY, published) == [7, 6, 5, 4, 3, 2, 1]
        assert self.chosen(MONDAY, published, neighbours=3) == [3, 2, 1]
        assert self.chosen(MONDAY, published, neighbours_from=MONDAY - timedelta(days=2)) == [2, 1]

    def test_days_with_accepted_failures_or_without_plays_are_none(self) -> None:
        published = days_before(DAY, 4)
        published[-1] = replace(published[-1], accepted=("plays",))
        published[-2] = replace(published[-2], plays=0)
        assert self.chosen(MONDAY, published) == [4, 3]

    def test_a_day_published_again_is_not_its_own_neighbour(self) -> None:
        assert self.chosen(MONDAY - timedelta(days=1), days_before(DAY, 5)) == [5, 4, 3, 2]

    def test_where_few_are_before_those_after_count_too(self) -> None:
        published = days_before(DAY, 10)
        assert self.chosen(MONDAY - timedelta(days=9), published) == [10, 8, 7, 6, 5, 4, 3]
        assert self.chosen(MONDAY - timedelta(days=7), published) == [10, 9, 8]


@given(
    factor=st.floats(0.01, 100),
    plays=st.integers(100, 10_000_000),
    length=st.floats(1, 50),
)
def test_limits_are_as_far_up_as_down_and_grow_with_the_distance(
    factor: float, plays: int, length: float
) -> None:
    sessions = max(int(plays / length), 1)
    usual = days_before(replace(DAY, plays=plays, sessions=sessions, active=plays // 10), 7)
    by_factor = {}
    for times in (factor, factor**1.5):
        day = replace(usual[0], day=MONDAY, plays=max(int(plays * times), 1))
        checks = {check.code: check for check in check_against_neighbours(day, usual, LIMITS)}
        assert checks["plays"].value is not None
        assert checks["plays"].value >= 1
        by_factor[times] = checks["plays"].passed
    if abs(factor - 1) > 0.1 and by_factor[factor**1.5]:
        assert by_factor[factor]


@given(means=st.lists(st.floats(0.01, 0.99), min_size=3, max_size=7))
def test_the_median_day_itself_always_passes(means: list[float]) -> None:
    neighbours = [
        replace(DAY, day=MONDAY - timedelta(days=back), attention=mean, weight=mean)
        for back, mean in enumerate(means, start=1)
    ]
    middle = sorted(means)[len(means) // 2]
    if len(means) % 2:
        assert failing(replace(DAY, attention=middle, weight=middle), neighbours) == []


def test_figures_are_recorded_and_read_back() -> None:
    histogram = tuple(range(len(WEIGHT_EDGES) + 1))
    statistics = replace(GOOD, passive_weight_histogram=histogram)
    figures = DayFigures.of(MONDAY, (1, 2), statistics, {"device": 0.12345}, {})
    counts = {"models": [1, 2], "neighbour": figures.recorded(), "accepted_checks": ["plays"]}
    read = DayFigures.of_counts(MONDAY, json.loads(json.dumps(counts)))
    assert read is not None
    assert read == replace(figures, missing={"device": 0.123}, accepted=("plays",), histogram=read.histogram)
    assert tuple(read.histogram) == histogram
    assert DayFigures.of_counts(MONDAY, {"models": [1, 2], "row_count": 3}) is None


def test_limits_come_from_the_settings(make_config: Callable[..., Config]) -> None:
    config = make_config("publication.max_active_factor=1.1")
    codes = [
        check.code
        for check in check_against_neighbours(replace(DAY, active=12_500), WEEK, config.publication)
        if not check.passed
    ]
    assert codes == ["active_share"]
    assert failing(replace(DAY, active=12_500)) == []
