"""Each job is thin: it reads its options, calls its step and prints the summary last."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs import common
from tests.builders import DAY, write_slot
from tests.jobs.stand_ins import COUNTS, DATE, NEW, built
from tests.pipeline.building import accepted
from uae_model.core.errors import InputError, NotYetError
from uae_model.lake import DayState, Unit
from uae_model.pipeline import ingest as ingest_module
from uae_model.pipeline.runner import Result


def slot_state(name: str, table: str, **counts: int) -> Result:
    return Result(DayState(Unit("feed", DAY, name), 1, "accepted", counts=counts, written_to=table), NEW)


def test_ingest_takes_the_complete_slots_of_the_day(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def run_steps(night: Any, steps: Any) -> Any:
        taken.extend(slot.name for slot in night.slots)
        counts = {"read": 9, "quarantined": 1, "inserted": 5, "updated": 1}
        return {"feed": [slot_state("dt=2026-01-05", "events", **counts)]}

    monkeypatch.setattr(ingest_module, "run_steps", run_steps)
    code, _, error = run("ingest", *DATE)
    assert code == NotYetError.exit_code
    assert error.startswith("uae ingest: the feed has no complete slot of 2026-01-05: looked for ")
    assert error.endswith("feed/dt=2026-01-05 with its marker _SUCCESS")
    write_slot(tmp_path / "feed", DAY, [])
    code, lines, _ = run("ingest", *DATE)
    assert (code, taken) == (0, ["dt=2026-01-05"])
    assert lines == [
        {
            **{"dt": "2026-01-05", "read": 9, "quarantined": 1, "inserted": 5, "updated": 1},
            **{"forgotten": 0, "withdrawn": 0, "duplicates": 2},
        }
    ]


def test_ingest_takes_events_back_where_that_is_confirmed(run: Any) -> None:
    asked: list[bool] = []

    def ingest_day(store: Any, day: date, *, accepts_withdrawn: bool) -> dict[str, int]:
        asked.append(accepts_withdrawn)
        return {}

    for options in ([], ["--accept-withdrawn"]):
        assert run("ingest", *DATE, *options, ingest_day=ingest_day)[0] == 0
    assert asked == [False, True]


def test_ingest_takes_the_slots_of_dimensions_with_or_without_plays(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "uae.toml").open("a") as settings:
        settings.write(
            '[[dimensions]]\nentity = "song"\nfeed = "songs/dt={date}"\n'
            'attributes = { genre = "categorical" }\n'
        )

    def run_steps(night: Any, steps: Any) -> Any:
        assert night.slots == []
        assert [unit.part for unit in steps[1].units(night)] == ["songs/dt=2026-01-05"]
        return {"feed": [slot_state("songs/dt=2026-01-05", "songs", read=9, quarantined=1, added=5)]}

    monkeypatch.setattr(ingest_module, "run_steps", run_steps)
    assert run("ingest", *DATE)[0] == NotYetError.exit_code  # neither is there
    write_slot(tmp_path / "songs", DAY, [])
    code, lines, _ = run("ingest", *DATE)
    assert code == 0
    assert lines[0]["read"] == 0
    assert lines[0]["dimensions"] == {
        "songs": {"read": 9, "quarantined": 1, "forgotten": 0, "added": 5, "repeated": 3},
    }


def test_a_format_is_that_of_the_feed_and_names_the_profile_where_nothing_else_does(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs import ingest

    seen: list[Any] = []

    def start(step: str, args: argparse.Namespace) -> None:
        seen.append(common.settings(args))
        raise InputError("far enough")

    monkeypatch.setattr(ingest, "start", start)
    config = ["--config", str(tmp_path / "uae.toml")]
    for options in ([], ["--profile", "paper"], config):
        assert ingest.main([*DATE, "--format", "lastfm1k", *options]) == 1
    assert [one.feed.format for one in seen] == ["lastfm1k"] * 3
    assert [one.feed.feedback_map.get("scrobble") for one in seen] == ["auto_play", None, None]


def test_sessions_waits_until_the_day_is_closed(run: Any, tmp_path: Path) -> None:
    def run_steps(night: Any, steps: Any) -> Any:
        unchanged = Result(accepted("plays", date(2026, 1, 3)), None)
        return {"plays": [unchanged, built("plays", date(2026, 1, 4)), built("plays", DAY, **COUNTS)]}

    steps = {"run_steps": run_steps}
    write_slot(tmp_path / "feed", DAY, [])
    code, lines, error = run("sessions", *DATE, **steps)
    assert (code, lines) == (3, [])
    assert error.startswith("uae sessions: 2026-01-05 is not closed")
    write_slot(tmp_path / "feed", date(2026, 1, 6), [])
    code, lines, _ = run("sessions", *DATE, **steps)
    assert code == 0
    assert [line["dt"] for line in lines] == ["2026-01-04", "2026-01-05"]  # tonight's day last
    assert lines[-1] == {
        "dt": "2026-01-05",
        "plays": 3,
        "sessions": 1,
        "events": 4,
        "carried": 1,
        "excluded": 0,
    }


def test_train_prints_both_versions(run: Any) -> None:
    code, lines, _ = run("train", *DATE, train_models=lambda store, registry, day: (3, 4))
    assert (code, lines) == (
        0,
        [{"dt": "2026-01-05", "attention_model_version": 3, "propensity_model_version": 4}],
    )


def test_tune_prints_what_was_chosen(run: Any) -> None:
    def tune(store: Any, registry: Any, day: date, version: int | None) -> dict[str, Any]:
        return {"attention_model_version": version or 4, "weighting": "scaled:0.1"}

    for options, version in (([], 4), (["--version", "2"], 2)):
        code, lines, _ = run("tune", *DATE, *options, tune_model=tune)
        assert code == 0
        assert lines == [{"dt": "2026-01-05", "attention_model_version": version, "weighting": "scaled:0.1"}]


def test_score_takes_the_day_alone(run: Any) -> None:
    def run_steps(night: Any, steps: Any) -> Any:
        assert (night.first, night.last, night.reopens) == (DAY, DAY, False)
        return {"scores": [built("scores", DAY, models=[4, 5], rows=7)]}

    code, lines, _ = run("score", *DATE, run_steps=run_steps)
    assert code == 0
    assert lines == [{"dt": "2026-01-05", "table": "scores", "rows": 7, "attention_model_version": 4}]


def test_score_with_another_version_leaves_the_scores_alone(run: Any) -> None:
    asked: list[Any] = []

    def score_beside(store: Any, day: date, version: int) -> int:
        asked.append((day, version))
        return 7

    code, lines, _ = run("score", *DATE, "--model-version", "3", score_beside=score_beside)
    assert (code, asked) == (0, [(DAY, 3)])
    assert lines == [{"dt": "2026-01-05", "table": "scores_side", "rows": 7, "attention_model_version": 3}]


def test_publish_prints_what_readers_pin(run: Any) -> None:
    row = {"delta_version": 9, "row_count": 7, "checks": ["a: ok (1)"], "status": "published"}
    row |= {"accepted_checks": None, "accepted_reason": None}
    fakes = {"build": lambda store, step, day, acceptance: None, "published_row": lambda store, day: row}
    code, lines, _ = run("publish", *DATE, **fakes)
    assert (code, lines) == (
        0,
        [{"dt": "2026-01-05", "delta_version": 9, "weights": 7, "checks": ["a: ok (1)"]}],
    )


def test_publish_rebuilds_where_that_is_asked_for(run: Any) -> None:
    row = {"delta_version": 9, "row_count": 7, "checks": [], "accepted_checks": None, "accepted_reason": None}
    fakes = {"rebuild": lambda store, day, acceptance: "scores", "published_row": lambda store, day: row}
    code, lines, _ = run("publish", *DATE, "--rebuild", **fakes)
    assert (code, lines[0]["delta_version"], lines[0]["rebuilt_from"]) == (0, 9, "scores")


def test_publish_overrules_named_checks_for_a_reason(run: Any) -> None:
    accepted: list[Any] = []
    row = {"delta_version": 9, "row_count": 7, "checks": [], "accepted_checks": ["plays"]}
    row["accepted_reason"] = "a holiday"
    fakes = {
        "build": lambda store, step, day, acceptance: accepted.append(acceptance),
        "published_row": lambda store, day: row,
    }
    options = ["--accept", "plays", "--accept", "sessions", "--reason", "a holiday"]
    code, lines, _ = run("publish", *DATE, *options, **fakes)
    assert (code, lines[0]["accepted_checks"], lines[0]["accepted_reason"]) == (0, ["plays"], "a holiday")
    assert [(one.codes, one.reason) for one in accepted] == [(("plays", "sessions"), "a holiday")]
    for options in (["--accept", "plays"], ["--reason", "why"], ["--accept", "plays", "--reason", " "]):
        code, _, error = run("publish", *DATE, *options, **fakes)
        assert (code, len(accepted)) == (2, 1)
        assert "--accept CHECK and --reason TEXT belong together" in error


def test_a_dry_run_only_prints_the_plan(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs import plan

    printed: list[date] = []

    def plan_night(store: Any, registry: Any, day: date) -> tuple[list[Any], list[str]]:
        printed.append(day)
        return [], []

    monkeypatch.setattr(plan, "plan_night", plan_night)
    for step, options in (("plan", ()), ("nightly", ("--dry-run",))):
        assert run(step, *DATE, *options)[:2] == (0, [{"dt": "2026-01-05", "planned": 0}])
    assert printed == [DAY, DAY]


def test_lineage_needs_a_publication(run: Any) -> None:
    code, lines, error = run("lineage", *DATE)
    assert (code, lines) == (1, [])
    assert error.startswith("uae lineage: 2026-01-05 is not published; run uae publish --date 2026-01-05")


@pytest.mark.parametrize(
    "step", ["ingest", "sessions", "train", "score", "publish", "nightly", "plan", "lineage", "report"]
)
def test_a_day_in_another_form_is_told(run: Any, step: str) -> None:
    code, lines, error = run(step, "--date", "5 January")
    assert (code, lines) == (2, [])
    assert error == f"uae {step}: '5 January' is not a day; the form is YYYY-MM-DD"
