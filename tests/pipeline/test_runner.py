"""When a unit is built, checked, or left alone; with a memory of its own and steps that only write down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.builders import DAY
from tests.pipeline.building import MemoryOnly, accepted
from uae_model.config import Config
from uae_model.core.errors import ContractError, InputError, ModelError
from uae_model.core.run_figures import BUILD_SECONDS, STEP_SECONDS, figures_of_run
from uae_model.core.run_figures import PLAYS as PLAYS_METRIC
from uae_model.lake import DayState, Unit
from uae_model.lake.day_state import UNACCEPTED, UNDONE
from uae_model.pipeline.currency import examine
from uae_model.pipeline.plan import plan
from uae_model.pipeline.runner import build, run_steps
from uae_model.pipeline.step import Night, Outcome, Step, built_before
from uae_model.pipeline.steps import PUBLICATION, SCORES
from uae_model.pipeline.steps.scores import lost_models, require_known_registry
from uae_model.publication.checks import Check

BEFORE, NEXT = DAY - timedelta(days=1), DAY + timedelta(days=1)
PLAYS = accepted("plays", DAY, 7, inputs={"events 2026-01-05": 3}, settings="s", committed_ms=10)


class Store:
    """A memory, and what was undone."""

    def __init__(self, config: Config, *states: DayState, has_files: bool = True) -> None:
        self.config = config
        self.states = MemoryOnly(*states)
        self.undone: list[tuple[str, int]] = []
        self.replaced: dict[tuple[str, int], DayState | None] = {}
        self.has_files = lambda name, day: has_files

    def undo(self, name: str, version: int) -> bool:
        self.undone.append((name, version))
        unit, before = Unit(name, DAY), self.replaced[name, version]
        self.states.record(before or DayState(unit, version, UNDONE, written_to=name))
        return True


class Steps:
    """A step of plays that reads events, and how often it was built."""

    def __init__(self, *, passes: bool = True, **declared: Any) -> None:
        self.built: list[date] = []
        self.passes = passes
        plain: dict[str, Any] = {
            **{"table": "plays", "phase": "sessions", "units": built_before("plays")},
            **{"settings": lambda config: "s", "commit": self._commit, "check": self._check},
            "reads": lambda day, config: [Unit("events", day)],
        }
        self.step = Step(**{**plain, **declared})

    def _commit(self, night: Night, unit: Unit, record: dict[str, Any]) -> None:
        self.built.append(unit.day)
        store: Any = night.store
        store.replaced["plays", 8] = night.states.get(unit)
        inputs, settings = record["inputs"], record["settings"]
        night.states.record(DayState(unit, 8, inputs=inputs, settings=settings, written_to="plays"))

    def _check(self, night: Night, unit: Unit) -> Outcome:
        return Outcome({"plays": 3}, [Check("rows add up", self.passes, "3 rows")])


def night(config: Config, *states: DayState, has_files: bool = True, **options: Any) -> Night:
    store: Any = Store(config, *states, has_files=has_files)
    return Night(store, options.pop("first", DAY), options.pop("last", DAY), **options)


def events(version: int, **fields: Any) -> DayState:
    return accepted("events", DAY, version, **fields)


@pytest.mark.parametrize(
    ("plays", "read", "reason"),
    [
        (None, events(3), "was never built"),
        (PLAYS, events(3), None),
        (PLAYS, events(4), "events 2026-01-05 changed, version 3 -> 4"),
        (replace(PLAYS, settings="t"), events(3), "its settings have changed"),
        (replace(PLAYS, inputs={}), events(3), "events 2026-01-05 is new, version 3"),
        (
            replace(PLAYS, status=UNACCEPTED),
            events(3),
            "the run that built it ended before its checks",
        ),
        (replace(PLAYS, status=UNACCEPTED), events(4), "events 2026-01-05 changed, version 3 -> 4"),
        # Taken over from before there was a memory: newer input tells.
        (replace(PLAYS, inputs=None), events(3, committed_ms=9), None),
        (
            replace(PLAYS, inputs=None),
            events(3, committed_ms=11),
            "events 2026-01-05 changed after it, version 3",
        ),
    ],
)
def test_why_a_day_is_built(
    config: Config, plays: DayState | None, read: DayState, reason: str | None
) -> None:
    states = [read] if plays is None else [read, plays]
    found = examine(night(config, *states), Steps().step, Unit("plays", DAY))
    assert (found.text if found else None) == reason


def test_a_change_by_another_hand_and_lost_files_are_told(config: Config) -> None:
    foreign = DayState(Unit("plays", DAY), 9, counts={"operation": "DELETE"})
    found = examine(night(config, PLAYS, foreign), Steps().step, Unit("plays", DAY))
    assert found
    assert found.text == "was changed by another hand (DELETE), version 7 -> 9; it is built again"
    kept = replace(PLAYS, counts={"rows": 3})
    found = examine(night(config, events(3), kept, has_files=False), Steps().step, Unit("plays", DAY))
    assert found
    assert found.text == "its files are gone; the rows are built again"


def test_a_day_is_built_once_and_then_left_alone(config: Config) -> None:
    steps, tonight = Steps(), night(config, events(3))
    assert run_steps(tonight, [steps.step])["plays"][0].reason
    state = tonight.states.accepted("plays", DAY)
    assert state is not None
    assert 0 <= state.counts["seconds"] < 60
    assert replace(state, counts={"plays": 3}) == DayState(
        *(Unit("plays", DAY), 8, "accepted", {"events 2026-01-05": 3}, "s", {"plays": 3}),
        checks=("rows add up: ok (3 rows)",),
        written_to="plays",
    )
    assert run_steps(tonight, [steps.step])["plays"][0].reason is None
    assert steps.built == [DAY]


def test_a_day_is_told_to_monitoring_whether_it_was_built_or_is_current(config: Config) -> None:
    tonight = night(config, events(3))
    for _ in range(2):
        with figures_of_run("sessions") as figures:
            run_steps(tonight, [Steps().step])
        assert figures.sums(PLAYS_METRIC) == {("sessions", DAY.isoformat(), "sessions"): 3}
        assert list(figures.sums(STEP_SECONDS)) == [("sessions", "", "sessions")]
        assert len(figures.sums(BUILD_SECONDS)) == 1


def test_one_day_that_is_built_alone_is_measured_too(config: Config) -> None:
    store: Any = Store(config, events(3))
    with figures_of_run("sessions") as figures:
        build(store, Steps().step, DAY)
    assert list(figures.sums(STEP_SECONDS)) == [("sessions", "", "sessions")]
    assert list(figures.sums(PLAYS_METRIC).values()) == [3]


def test_a_failed_check_takes_nothing_for_good_and_the_next_run_tries_again(config: Config) -> None:
    bad, good, tonight = Steps(passes=False), Steps(), night(config, events(4), PLAYS)
    with pytest.raises(ContractError, match=r"table plays, plays 2026-01-05, version 8 .* FAILED \(3 rows\)"):
        run_steps(tonight, [bad.step])
    assert tonight.store.undone == [("plays", 8)]  # type: ignore[attr-defined]
    assert tonight.states.accepted("plays", DAY) == PLAYS
    run_steps(tonight, [good.step])
    assert good.built == [DAY]


def test_a_first_try_that_fails_leaves_nothing(config: Config) -> None:
    tonight = night(config, events(4))
    with pytest.raises(ContractError):
        run_steps(tonight, [Steps(passes=False).step])
    assert tonight.states.get(Unit("plays", DAY)) is None


def test_rows_that_only_lack_their_checks_are_not_built_again(config: Config) -> None:
    steps = Steps()
    tonight = night(config, events(3), replace(PLAYS, status=UNACCEPTED))
    state = run_steps(tonight, [steps.step])["plays"][0].state
    assert state.is_accepted
    assert "seconds" not in state.counts  # nobody knows how long the earlier run took
    assert steps.built == []


def test_a_new_model_reopens_no_earlier_day(config: Config) -> None:
    step = Steps(outside=lambda night, unit: {"model": "2/2"}, pinned=frozenset({"model"})).step
    state = replace(PLAYS, inputs={**(PLAYS.inputs or {}), "model": "1/1"})
    asked, later = night(config, events(3), state), night(config, events(3), state, first=NEXT, last=NEXT)
    found = examine(asked, step, Unit("plays", DAY))
    assert found
    assert found.text == "model changed, version 1/1 -> 2/2"
    assert examine(later, step, Unit("plays", DAY)) is None


@pytest.mark.parametrize(("digest", "action"), [("as before", "note"), ("other", "build")])
def test_rows_of_dimensions_that_concern_no_play_only_move_the_memory(
    config: Config, digest: str, action: str
) -> None:
    steps = Steps(undated=lambda config: ["songs"], relevant=lambda night, unit: digest)
    state = replace(PLAYS, inputs={"events 2026-01-05": 3, "songs": 1}, counts={"relevant": "as before"})
    songs = DayState(Unit("songs"), 2, "accepted")
    tonight = night(config, events(3), songs, state)
    found = examine(tonight, steps.step, Unit("plays", DAY))
    assert found
    assert found.action == action
    run_steps(tonight, [steps.step])
    assert len(steps.built) == (action == "build")
    after = tonight.states.accepted("plays", DAY)
    assert after is not None
    assert after.inputs == {"events 2026-01-05": 3, "songs": 2}


def test_a_plan_goes_on_to_all_that_reads_a_planned_day_and_builds_nothing(config: Config) -> None:
    steps = Steps()
    reader = Steps(
        table="features", units=built_before("features"), reads=lambda day, _: [Unit("plays", day)]
    )
    features = accepted("features", DAY, inputs={"plays 2026-01-05": 7}, settings="s")
    tonight = night(config, events(4), PLAYS, features)
    assert [str(each) for each in plan(tonight, [steps.step, reader.step])] == [
        "plays 2026-01-05: events 2026-01-05 changed, version 3 -> 4",
        "features 2026-01-05: plays 2026-01-05 is built before it",
    ]
    assert (steps.built, reader.built) == ([], [])
    unchanged = night(config, events(3), PLAYS, features)
    assert plan(unchanged, [steps.step, reader.step]) == []


@pytest.mark.parametrize(
    ("function", "chosen", "stale"),
    [
        ("auto", "scaled:0.2", None),
        ("auto", "linear", "weight function changed, version scaled:0.2 -> linear"),
        ("auto", None, "weight function changed, version scaled:0.2 -> not chosen"),
    ],
)
def test_another_choice_of_the_weight_function_makes_the_day_stale(
    make_config: Callable[..., Config], function: str, chosen: str | None, stale: str | None
) -> None:
    config = make_config(f"weights.function={function}")
    choice = None if chosen is None else SimpleNamespace(name=chosen)
    registry: Any = SimpleNamespace(
        champion_versions=lambda: (3, 4), weight_choice=lambda version: choice if version == 3 else None
    )
    scored = accepted("scores", DAY, inputs={"model": "3/4", "weight function": "scaled:0.2"})
    reason = examine(night(config, scored, registry=registry), SCORES, scored.unit)
    assert (reason.text if reason else None) == stale


def test_a_configured_weight_function_asks_for_no_choice(config: Config) -> None:
    registry: Any = SimpleNamespace(champion_versions=lambda: (3, 4))
    scored = accepted("scores", DAY, inputs={"model": "3/4"})
    assert examine(night(config, scored, registry=registry), SCORES, scored.unit) is None


def test_a_model_that_the_registry_lost_is_told(config: Config) -> None:
    def version(number: int) -> None:
        raise ModelError("there is none")

    registry: Any = SimpleNamespace(version=version)
    weights = accepted("weights", DAY, inputs={"model": "3/4"})
    (line,) = lost_models(night(config, weights, registry=registry), [DAY, NEXT])
    assert line.startswith("weights 2026-01-05: the registry does not hold attention model 3 that scored it")


class OneVersion:
    """A registry that holds attention model 3 under a digest, and perhaps takes a lost one's place."""

    uri = "sqlite:///new.db"

    def __init__(self, digest: str | None, *, follows_lost: bool = False) -> None:
        self.follows_lost = follows_lost
        self._tags = {} if digest is None else {"artifact_digest": digest}

    def version(self, number: int) -> SimpleNamespace:
        if number != 3:
            raise ModelError("there is none")
        return SimpleNamespace(tags=self._tags)


class TestKnownRegistry:
    def night_after(self, config: Config, registry: Any, version: int = 3) -> Night:
        scored = {"models": [version, 4], "model_digest": "a" * 64}
        return night(
            config,
            accepted("weights", DAY, counts=scored),
            accepted("publications", DAY),
            registry=registry,
        )

    @pytest.mark.parametrize("digest", ["a" * 64, None])
    def test_the_registry_that_scored_what_is_published_is_known(
        self, config: Config, digest: str | None
    ) -> None:
        require_known_registry(self.night_after(config, OneVersion(digest)))

    def test_one_that_lost_the_model_is_not(self, config: Config) -> None:
        with pytest.raises(
            ModelError, match=r"of 2026-01-05, were scored by attention model 7, which sqlite"
        ):
            require_known_registry(self.night_after(config, OneVersion("a" * 64), 7))

    def test_nor_is_one_that_has_another_model_under_the_number(self, config: Config) -> None:
        with pytest.raises(ModelError, match=r"digest aaaaaaaaaaaa; .* another model, bbbbbbbbbbbb; restore"):
            require_known_registry(self.night_after(config, OneVersion("b" * 64)))

    def test_a_person_may_say_that_it_takes_the_place_of_a_lost_one(self, config: Config) -> None:
        require_known_registry(self.night_after(config, OneVersion("b" * 64, follows_lost=True)))

    def test_without_a_publication_any_registry_will_do(self, config: Config) -> None:
        require_known_registry(night(config, registry=cast(Any, OneVersion(None))))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (SCORES, "2026-01-05 has no plays; run uae sessions --date 2026-01-05 first"),
        (PUBLICATION, "2026-01-05 has no scores; run uae score --date 2026-01-05 first"),
    ],
)
def test_what_a_step_needs_is_named(config: Config, step: Step, message: str) -> None:
    for states in ((), (DayState(Unit("plays", DAY), 1), DayState(Unit("scores", DAY), 1))):
        registry: Any = SimpleNamespace(champion_versions=lambda: (1, 1))
        with pytest.raises(InputError, match=message):
            run_steps(night(config, *states, registry=registry), [step])
