"""The order of a night's steps, and when a day may be touched at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import DAY, write_slot
from uae_model.config import Config
from uae_model.core.errors import ModelError, NotClosedError
from uae_model.ingest.feed import Feed
from uae_model.pipeline import nightly
from uae_model.pipeline.ingest import IngestCounts
from uae_model.pipeline.nightly import closed_slots, prepare_days, run_night, training_is_due
from uae_model.pipeline.sessions import DayOfPlays

NEXT = DAY + timedelta(days=1)
THIRD = DAY + timedelta(days=2)


def slots_of(spark: SparkSession, config: Config, first: date, last: date) -> list[str]:
    return [slot.name for slot in closed_slots(Feed(spark, config), first, last, config)]


class TestClosing:
    def test_a_day_needs_the_slot_after_it(self, spark: SparkSession, config: Config, tmp_path: Path) -> None:
        with pytest.raises(NotClosedError, match="complete feed reaches no slot of 2026-01-05"):
            slots_of(spark, config, DAY, DAY)
        write_slot(tmp_path / "feed", DAY, [])
        with pytest.raises(
            NotClosedError,
            match=r"2026-01-05 is not closed: the complete feed reaches 2026-01-06 00:00, sessions of the "
            r"day end by 2026-01-06 06:00 \(midnight \+ sessions.max_hours\); wait",
        ):
            slots_of(spark, config, DAY, DAY)
        write_slot(tmp_path / "feed", NEXT, [])
        assert slots_of(spark, config, DAY, DAY) == ["dt=2026-01-05", "dt=2026-01-06"]

    def test_a_slot_without_its_marker_is_not_delivered(
        self, spark: SparkSession, config: Config, tmp_path: Path
    ) -> None:
        for day in (DAY, NEXT):
            slot = write_slot(tmp_path / "feed", day, [])
        (slot / "_SUCCESS").unlink()
        with pytest.raises(NotClosedError, match="reaches 2026-01-06 00:00"):
            slots_of(spark, config, DAY, DAY)

    def test_hourly_slots_close_a_day_as_soon_as_its_sessions_end(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        config = make_config("paths.feed='feed/{date}/{hour}'", "sessions.max_hours=2")

        def complete(day: date, *hours: int) -> None:
            for hour in hours:
                folder = tmp_path / "feed" / day.isoformat() / f"{hour:02d}"
                folder.mkdir(parents=True)
                (folder / "_SUCCESS").touch()

        complete(DAY, *range(24))
        complete(NEXT, 0)
        with pytest.raises(NotClosedError, match=r"reaches 2026-01-06 01:00, .* by 2026-01-06 02:00"):
            slots_of(spark, config, DAY, DAY)
        complete(NEXT, 1, 2, 3)
        names = slots_of(spark, config, DAY, DAY)
        assert len(names) == 26  # the day and two hours more; the later ones are for the next night
        assert names[-1] == "2026-01-06/01"

    def test_a_static_dataset_is_closed_as_soon_as_it_is_there(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        config = make_config("paths.feed=all")
        with pytest.raises(NotClosedError):
            slots_of(spark, config, DAY, DAY)
        (tmp_path / "all").mkdir()
        assert slots_of(spark, config, DAY, THIRD) == ["all"]


class FakeRegistry:
    def __init__(self, champion: tuple[int, int] | None) -> None:
        self.versions = champion

    def champion_versions(self) -> tuple[int, int] | None:
        return self.versions

    def champion(self) -> str:
        return "the champion"


@pytest.mark.parametrize(
    ("when", "champion", "day", "due"),
    [
        ("never", None, DAY, False),
        ("when_missing", None, NEXT, True),
        ("when_missing", (1, 1), NEXT, False),
        ("weekly", (1, 1), DAY, True),  # 5 January 2026 is a Monday
        ("weekly", None, NEXT, False),
        ("always", (1, 1), NEXT, True),
    ],
)
def test_when_a_night_trains(
    make_config: Callable[..., Config], when: str, champion: tuple[int, int] | None, day: date, due: bool
) -> None:
    config = make_config(f"nightly.train={when}")
    assert training_is_due(config, FakeRegistry(champion), day) is due  # type: ignore[arg-type]


class TestSteps:
    """The chain with steps that only write down that they ran."""

    @pytest.fixture
    def steps(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        ran: list[str] = []

        def step(name: str, answer: Callable[..., Any]) -> None:
            def run(*arguments: Any, **options: Any) -> Any:
                days = [argument for argument in arguments if isinstance(argument, date)]
                ran.append(" ".join([name, *(f"{day:%d}" for day in days)]))
                return answer(*arguments)

            monkeypatch.setattr(nightly, name, run)

        published = Row(
            quarantined_count=2,
            row_count=3,
            delta_version=9,
            attention_model_version=4,
            propensity_model_version=5,
        )
        monkeypatch.setattr(nightly, "Feed", lambda spark, config: "feed")
        monkeypatch.setattr(nightly, "closed_slots", lambda *_: ["slot"])
        step("ingest_slots", lambda *_: IngestCounts(9, 1, 5, 1))
        step("build_day", lambda store, day: DayOfPlays(day, 3, 1, 4, 1, 0))
        step("score_day", lambda *_: 3)
        step("publish_day", lambda *_: published)
        step("train", lambda *_: (4, 5))
        step("promote", lambda *_: 4)
        monkeypatch.setattr(nightly, "reopened_days", lambda store, day: [DAY, NEXT])
        monkeypatch.setattr(nightly, "plays_changed", lambda store, day: day == DAY)
        monkeypatch.setattr(nightly, "needs_publication", lambda store, day: day == DAY)
        return ran

    def store(self, config: Config) -> Any:
        return SimpleNamespace(config=config, spark=None)

    def test_late_events_rebuild_rescore_and_republish_what_was_published(
        self, steps: list[str], config: Config
    ) -> None:
        summary = run_night(self.store(config), FakeRegistry((4, 5)), THIRD)  # type: ignore[arg-type]
        assert steps == [
            "ingest_slots",
            *("build_day 05", "build_day 06", "build_day 07"),
            *("score_day 05", "score_day 07"),  # the sixth was never scored
            *("publish_day 07", "publish_day 05"),  # tonight's day first
        ]
        assert list(summary.pop("seconds")) == ["ingest", "sessions", "score", "publish"]
        assert summary == {
            **{"dt": "2026-01-07", "plays": 3, "sessions": 1, "events": 4, "carried": 1, "excluded": 0},
            **{"quarantined": 2, "duplicates": 2, "weights": 3, "delta_version": 9},
            **{"attention_model_version": 4, "propensity_model_version": 5, "republished": ["2026-01-05"]},
        }

    def test_the_first_night_trains_on_the_days_before(self, steps: list[str], config: Config) -> None:
        summary = run_night(self.store(config), FakeRegistry(None), THIRD)  # type: ignore[arg-type]
        assert steps[3:6] == ["build_day 07", "train 06", "promote"]
        assert list(summary["seconds"]) == ["ingest", "sessions", "train", "score", "publish"]

    def test_dimensions_come_before_sessions_and_are_told_of_where_declared(
        self, steps: list[str], config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = {"songs": {"read": 3, "quarantined": 1, "added": 2, "repeated": 0}}

        def ingest(store: Any, first: date, last: date) -> dict[str, Any]:
            steps.append(f"ingest_dimensions {first:%d} {last:%d}")
            return counts

        monkeypatch.setattr(nightly, "ingest_dimensions", ingest)
        summary = run_night(self.store(config), FakeRegistry((4, 5)), THIRD)  # type: ignore[arg-type]
        assert steps[:3] == ["ingest_slots", "ingest_dimensions 07 07", "build_day 05"]
        assert summary["dimensions"] == counts
        steps.clear()
        prepare_days(self.store(config), DAY, THIRD)
        assert steps[:2] == ["ingest_slots", "ingest_dimensions 05 07"]

    @pytest.mark.usefixtures("steps")
    @pytest.mark.parametrize("champion", [(1, 1), None])
    def test_a_candidate_that_fails_its_gates_only_matters_without_a_champion(
        self,
        monkeypatch: pytest.MonkeyPatch,
        make_config: Callable[..., Config],
        champion: tuple[int, int] | None,
    ) -> None:
        def refuse(*_: Any) -> None:
            raise ModelError("version 4 was not promoted")

        monkeypatch.setattr(nightly, "promote", refuse)
        night = self.store(make_config("nightly.train=always"))
        registry: Any = FakeRegistry(champion)
        if champion:
            assert run_night(night, registry, THIRD)["weights"] == 3
            return
        with pytest.raises(ModelError, match="version 4 was not promoted"):
            run_night(night, registry, THIRD)

    def test_a_range_is_prepared_day_by_day_each_once(self, steps: list[str], config: Config) -> None:
        counts, built = prepare_days(self.store(config), THIRD, THIRD + timedelta(days=1))
        assert steps == ["ingest_slots", *(f"build_day {day:02d}" for day in (5, 6, 7, 8))]
        assert counts.duplicates == 2
        assert [each.day.day for each in built] == [5, 6, 7, 8]
