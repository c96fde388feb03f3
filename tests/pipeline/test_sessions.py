"""Days of plays: every event accounted for, late events reopen days, and a second run does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, Event, ReferencePlay, event, events_frame, reference_sessions
from tests.pipeline.building import build_plays, reopened
from uae_model.config import Config, load_config
from uae_model.core.errors import ContractError
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.currency import examine
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night, days_in_reach
from uae_model.pipeline.steps import PLAYS, plays
from uae_model.sessions import cut

NEXT = DAY + timedelta(days=1)
THIRD = DAY + timedelta(days=2)
BOT_LIMIT = "sessions.max_plays_per_user_day=4"

EVENTS = [
    *[event("a", "10:00"), event("b", "10:10"), event("c", "23:50"), event("d", "06 00:10")],  # over midnight
    event("e", "06 09:00"),
    # A user who is a bot on the second day, and was still listening when it began.
    event("x0", "23:58", user_id="bot"),
    event("x1", "06 00:01", user_id="bot"),
    *[event(f"x{hour}", f"06 {hour:02d}:30", user_id="bot") for hour in range(2, 7)],
]
LATE = event("late", "23:20")  # joins the session that goes on over midnight


def opened(spark: SparkSession, folder: Path, *overrides: str) -> TableStore:
    (folder / "uae.toml").touch()
    return TableStore(spark, load_config(folder / "uae.toml", overrides=[BOT_LIMIT, *overrides]))


def write_events(store: TableStore, items: Sequence[Event], *days: date) -> None:
    for day in days:
        mine = [item for item in items if item.played_at.date() == day]
        store.replace_day("events", day, events_frame(store.spark, mine, store.config), {"step": "test"})


def rows_of(store: TableStore) -> dict[str, Any]:
    return {row["event_id"]: row for row in store.read("plays").collect()}


def is_current(store: TableStore, day: date) -> bool:
    return examine(Night(store, day, day), PLAYS, Unit("plays", day)) is None


def counts(**numbers: int) -> dict[str, int]:
    return numbers


class TestNights:
    """One story: two nights, a second try, a late event, the third night."""

    @pytest.fixture(scope="class")
    @staticmethod
    def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
        found: dict[str, Any] = {}
        store = opened(spark, tmp_path_factory.mktemp("nights"))
        write_events(store, EVENTS, DAY, NEXT)
        found["first"], found["second"] = build_plays(store, DAY), build_plays(store, NEXT)
        found["plays"] = rows_of(store)
        version = store.latest_version("plays")
        again = TableStore(spark, store.config)
        found["again"] = build_plays(again, DAY), build_plays(again, NEXT), reopened(again, [PLAYS], THIRD)
        found["versions"] = version, store.latest_version("plays")

        write_events(store, [*EVENTS, LATE], DAY)
        night = TableStore(spark, store.config)
        found["reopened"] = reopened(night, [PLAYS], THIRD)
        found["current"] = is_current(night, DAY), is_current(night, NEXT)
        for day in found["reopened"]:
            found[day] = build_plays(night, day)
        found["late plays"] = rows_of(night)
        found["reopened after"] = reopened(night, [PLAYS], THIRD)
        found["store"] = night
        return found

    def test_each_event_is_a_play_or_carried_or_excluded(self, told: dict[Any, Any]) -> None:
        # Day one: a, b, c, x0, and after midnight d and x1, which count to the sessions of day one.
        assert told["first"] == counts(plays=6, sessions=3, events=4, carried=0, excluded=0)
        # Day two: e is a play; d and x1 are carried; the bot's five others are left out.
        assert told["second"] == counts(plays=1, sessions=1, events=8, carried=2, excluded=5)

    def test_a_session_over_midnight_belongs_to_the_day_of_its_start(self, told: dict[Any, Any]) -> None:
        plays = told["plays"]
        assert (plays["c"]["dt"], plays["d"]["dt"], plays["e"]["dt"]) == (DAY, DAY, NEXT)
        assert plays["c"]["session_id"] == plays["d"]["session_id"] != plays["a"]["session_id"]
        assert (plays["c"]["position"], plays["d"]["position"]) == (1, 2)
        assert sorted(plays) == ["a", "b", "c", "d", "e", "x0", "x1"]

    def test_a_second_run_does_nothing(self, told: dict[Any, Any]) -> None:
        assert told["again"] == (told["first"], told["second"], [])
        assert told["versions"][0] == told["versions"][1]

    def test_a_late_event_reopens_its_day_and_those_after_it(self, told: dict[Any, Any]) -> None:
        assert told["reopened"] == [DAY, NEXT]
        assert told["current"] == (False, True)  # the next day's input changes once the first is built anew
        assert told[DAY]["events"] == 5
        assert told[NEXT]["carried"] == 2
        assert told["reopened after"] == []
        late = told["late plays"]["late"]
        assert (late["dt"], late["position"]) == (DAY, 1)
        assert told["late plays"]["d"]["position"] == 3

    def test_and_gives_what_walking_through_all_events_at_once_gives(self, told: dict[Any, Any]) -> None:
        found = {
            name: ReferencePlay(name, row["session_started_at"].astimezone(UTC), row["position"])
            for name, row in told["late plays"].items()
        }
        assert found == reference_sessions([*EVENTS, LATE], told["store"].config)

    def test_other_rules_make_a_day_stale_and_other_settings_do_not(self, told: dict[Any, Any]) -> None:
        store = told["store"]
        for override, is_still_current in (
            ("sessions.gap_minutes=20", False),
            ('labels.positive=["like"]', False),
            ("weights.gamma=5", True),
            ("training.epochs=1", True),
        ):
            config = load_config(
                Path(store.config.paths.tables).parent / "uae.toml", overrides=[BOT_LIMIT, override]
            )
            assert is_current(TableStore(store.spark, config), DAY) is is_still_current, override

    def test_a_day_that_fails_its_check_is_as_it_was_and_is_tried_again(
        self, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store: TableStore = told["store"]
        before = rows_of(store)
        plays_of_day = cut.plays_of_day
        config = load_config(
            Path(store.config.paths.tables).parent / "uae.toml",
            overrides=[BOT_LIMIT, 'labels.positive=["like"]'],
        )
        changed = TableStore(store.spark, config)
        night = Night(changed, DAY, DAY, reopens=False)
        with monkeypatch.context() as patch:
            patch.setattr(
                plays,
                "plays_of_day",
                lambda *args, **more: plays_of_day(*args, **more).where("event_id <> 'b'"),
            )
            with pytest.raises(
                ContractError,
                match=r"5 events, 4 plays of the day .* 0 of bots\); the table is as it was",
            ):
                run_steps(night, [PLAYS])
        assert rows_of(store) == before
        for memory in (changed, TableStore(store.spark, store.config)):
            state = memory.states.accepted("plays", DAY)
            assert state is not None
            assert state.version < memory.latest_version("plays")
        assert not is_current(TableStore(store.spark, config), DAY)  # the next run tries again
        assert is_current(TableStore(store.spark, store.config), DAY)

    def test_other_rules_leave_the_sessions_of_days_out_of_reach_as_they_are(
        self, told: dict[str, Any]
    ) -> None:
        store: TableStore = told["store"]
        folder = Path(store.config.paths.tables).parent
        for gap in ("gap_minutes=5", "gap_minutes=360", "gap_minutes=30"):
            config = load_config(folder / "uae.toml", overrides=[BOT_LIMIT, f"sessions.{gap}"])
            assert build_plays(TableStore(store.spark, config), NEXT)["events"] == 8
            found = store.read("plays").groupBy("event_id").count().where("count > 1").collect()
            assert found == [], gap


def test_a_day_without_events_is_built_once(spark: SparkSession, tmp_path: Path) -> None:
    store = opened(spark, tmp_path)
    assert build_plays(store, DAY) == counts(plays=0, sessions=0, events=0, carried=0, excluded=0)
    assert is_current(store, DAY)
    assert store.states.accepted("plays", DAY) is not None  # training asks for it


@pytest.mark.parametrize("late_days", [0, 3])
def test_late_events_reach_one_day_more_than_they_may_be_late(config: Config, late_days: int) -> None:
    config = config.model_copy(update={"feed": config.feed.model_copy(update={"late_days": late_days})})
    days = days_in_reach(THIRD, config)
    assert days == [THIRD - timedelta(days=back) for back in range(late_days + 1, 0, -1)]
