"""The order of a night's steps, and when a day may be touched at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, write_slot
from tests.pipeline.building import MemoryOnly, accepted
from uae_model.config import Config
from uae_model.core.errors import ModelError, NotClosedError
from uae_model.ingest.feed import Feed
from uae_model.lake import DayState, Unit
from uae_model.pipeline.currency import Reason
from uae_model.pipeline.nightly import closed_slots, summary_of
from uae_model.pipeline.runner import Result
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import TRAINING, steps_of_night, training
from uae_model.pipeline.steps.training import training_is_due

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
    assert training_is_due(config, cast(Any, FakeRegistry(champion)), day) is due


def test_the_summary_tells_of_the_day_and_of_what_was_published_anew(config: Config) -> None:
    new, none = Reason("was never built"), None
    plays = accepted(
        "plays", THIRD, counts={"plays": 3, "sessions": 1, "events": 4, "carried": 1, "excluded": 0}
    )
    published = {
        **{"quarantined_count": 2, "row_count": 3, "delta_version": 9, "models": [4, 5]},
    }
    slot = DayState(
        Unit("feed", THIRD, "dt=2026-01-07"),
        *(1, "accepted"),
        counts={"read": 9, "quarantined": 1, "inserted": 5, "updated": 1},
        written_to="events",
    )
    results = {
        "feed": [Result(slot, new), Result(slot, none)],
        "plays": [Result(accepted("plays", NEXT), new), Result(plays, new)],
        "publications": [
            Result(accepted("publications", THIRD, counts=published), new),
            Result(accepted("publications", DAY, counts=published), new),
            Result(accepted("publications", NEXT, counts=published), none),
        ],
    }
    store: Any = SimpleNamespace(config=config)
    summary = summary_of(Night(store, THIRD, THIRD), results, {"ingest": 1.0})
    assert summary == {
        **{"dt": "2026-01-07", "plays": 3, "sessions": 1, "events": 4, "carried": 1, "excluded": 0},
        **{"quarantined": 2, "duplicates": 2, "withdrawn": 0, "weights": 3, "delta_version": 9},
        **{"attention_model_version": 4, "propensity_model_version": 5, "republished": ["2026-01-05"]},
        "seconds": {"ingest": 1.0},
    }


def test_the_steps_of_a_night_go_down_the_tables_once(make_config: Callable[..., Config]) -> None:
    steps = steps_of_night(make_config())
    assert [step.phase for step in steps] == [
        *("ingest", "sessions", "features", "features", "train", "score", "score", "publish"),
    ]
    made = [step.table for step in steps]
    day = DAY
    for index, step in enumerate(steps):
        for read in step.reads(day, make_config()):
            assert read.table == "events" or read.table in made[: index + 1], (step.table, read)


@pytest.mark.parametrize("champion", [(1, 1), None])
def test_a_candidate_that_fails_its_gates_only_matters_without_a_champion(
    config: Config, champion: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ModelError("version 4 was not promoted")

    monkeypatch.setattr(training, "promote", refuse)
    store: Any = SimpleNamespace(config=config, states=MemoryOnly(accepted("models", NEXT, 4)))
    registry: Any = FakeRegistry(champion)
    night = Night(store, THIRD, THIRD, registry)
    if champion:
        TRAINING.finish(night)
        return
    with pytest.raises(ModelError, match="version 4 was not promoted"):
        TRAINING.finish(night)


def test_a_night_trains_on_the_days_before(config: Config) -> None:
    store: Any = SimpleNamespace(config=config)
    registry: Any = FakeRegistry(None)
    assert TRAINING.units(Night(store, THIRD, THIRD, registry)) == [Unit("models", NEXT)]
    registry = FakeRegistry((1, 1))
    assert TRAINING.units(Night(store, THIRD, THIRD, registry)) == []


def test_a_champion_stays_where_days_of_the_window_were_never_delivered(
    make_config: Callable[..., Config], caplog: pytest.LogCaptureFixture
) -> None:
    config = make_config("nightly.train=always", "training.window_days=1", "training.validation_days=1")
    delivered, both = accepted("plays", DAY), [accepted("plays", DAY), accepted("plays", NEXT)]

    def units(champion: tuple[int, int] | None, *plays: DayState) -> list[Unit]:
        store: Any = SimpleNamespace(config=config, states=MemoryOnly(*plays))
        registry: Any = FakeRegistry(champion)
        return TRAINING.units(Night(store, THIRD, THIRD, registry))

    with caplog.at_level("WARNING"):
        assert units((1, 1), delivered) == []
    assert "training is due but not done, the current champion stays" in caplog.text
    assert units((1, 1), *both) == [Unit("models", NEXT)]
    # Without a champion nothing can score: the training itself says which days it lacks.
    assert units(None, delivered) == [Unit("models", NEXT)]
