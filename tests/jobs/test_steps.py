"""Each job is thin: it reads its options, calls its step and prints the summary last."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import common
from jobs.cli import STEPS
from tests.builders import DAY, write_slot
from tests.pipeline.building import accepted
from uae_model.core.errors import InputError, ModelError, NotClosedError, NotYetError, UsageError
from uae_model.lake import DayState, Unit
from uae_model.pipeline import ingest as ingest_module
from uae_model.pipeline import job as job_module
from uae_model.pipeline.currency import Reason
from uae_model.pipeline.runner import Result
from uae_model.pipeline.users.certificate import Certificate

DATE = ["--date", "2026-01-05"]
COUNTS = {"plays": 3, "sessions": 1, "events": 4, "carried": 1, "excluded": 0}
NEW = Reason("was never built")


def built(table: str, day: date, **counts: Any) -> Result:
    return Result(accepted(table, day, counts=counts), NEW)


def slot_state(name: str, table: str, **counts: int) -> Result:
    return Result(DayState(Unit("feed", DAY, name), 1, "accepted", counts=counts, written_to=table), NEW)


class Registry:
    """What jobs ask of the registry."""

    champions: list[Any]

    def __init__(self, config: Any) -> None:
        Registry.champions = []

    def champion(self) -> Any:
        return SimpleNamespace(attention_version=4)

    def roll_back(self) -> int:
        Registry.champions.append(2)
        return 2


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[dict[str, Any]], str]]:
    """Return a function that runs a job on the shared session: exit code, lines of stdout, last of stderr."""
    for step in STEPS:  # a module that is first imported below would keep what stands in for the real thing
        importlib.import_module(f"jobs.{step}")
    monkeypatch.setattr(job_module, "start_spark", lambda name, files: spark)
    monkeypatch.setattr(job_module, "registry_of", Registry)
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # keep the shared session
    (tmp_path / "uae.toml").write_text('[feed]\nformat = "jsonl"\n')

    def call(step: str, *options: str, **steps: Callable[..., Any]) -> tuple[int, list[dict[str, Any]], str]:
        module = importlib.import_module(f"jobs.{step}")
        if hasattr(module, "registry_of"):
            monkeypatch.setattr(module, "registry_of", Registry)
        for name, fake in steps.items():
            assert hasattr(module, name)
            monkeypatch.setattr(module, name, fake)
        code = module.main(["--config", str(tmp_path / "uae.toml"), "--log-level", "ERROR", *options])
        captured = capsys.readouterr()
        errors = captured.err.splitlines()
        return code, [json.loads(line) for line in captured.out.splitlines()], errors[-1] if errors else ""

    return call


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


def test_nightly_prints_its_summary_last(run: Any) -> None:
    code, lines, _ = run(
        "nightly", *DATE, run_night=lambda store, registry, day: {"dt": str(day), "plays": 3}
    )
    assert (code, lines) == (0, [{"dt": "2026-01-05", "plays": 3}])


def test_nightly_says_in_one_line_why_a_night_must_wait(run: Any) -> None:
    def wait(*_: Any) -> None:
        raise NotClosedError("2026-01-05 is not closed")

    assert run("nightly", *DATE, run_night=wait) == (3, [], "uae nightly: 2026-01-05 is not closed")


class TestBackfill:
    RANGE = ("--from", "2026-01-05", "--to", "2026-01-06")

    @staticmethod
    def steps(ran: list[Any]) -> dict[str, Callable[..., Any]]:
        """Return what a backfill calls, which only writes down that it was called."""

        def prepare(store: Any, first: date, last: date, *, features: bool) -> Any:
            ran.append(("prepare", first.day, last.day, features))
            return {"plays": [built("plays", DAY, **COUNTS)]}

        def night(store: Any, registry: Any, day: date) -> dict[str, int]:
            ran.append(("night", day.day))
            return {"day": day.day}

        return {"prepare_days": prepare, "run_night": night}

    @pytest.fixture(autouse=True)
    def deliver(self, tmp_path: Path) -> Callable[[int], Path]:
        """Return what delivers the slot of a day of January 2026; those that close the range are there."""

        def deliver(day: int) -> Path:
            return write_slot(tmp_path / "feed", date(2026, 1, day), [])

        for day in (5, 6, 7):
            deliver(day)
        return deliver

    def test_it_prepares_all_days_and_then_runs_each_night(self, run: Any) -> None:
        ran: list[Any] = []
        steps = self.steps(ran)
        code, lines, _ = run("backfill", *self.RANGE, **steps)
        assert code == 0
        assert ran == [("prepare", 5, 6, True), ("night", 5), ("night", 6)]
        assert lines == [{"day": 5}, {"day": 6}]
        ran.clear()
        code, lines, _ = run("backfill", *self.RANGE, "--until", "sessions", **steps)
        assert (code, ran) == (0, [("prepare", 5, 6, False)])
        assert [line["plays"] for line in lines] == [3]

    def test_it_does_the_days_that_are_closed_and_names_the_others(
        self, run: Any, deliver: Callable[[int], Path]
    ) -> None:
        deliver(9)
        deliver(10)  # 5 and 6 are closed, 7 and 8 lack the slot of 8, 9 is closed, 10 and 11 are not
        ran: list[Any] = []
        code, lines, error = run("backfill", "--from", "2026-01-05", "--to", "2026-01-11", **self.steps(ran))
        assert code == 3
        assert ran == [
            *(("prepare", 5, 6, True), ("prepare", 9, 9, True)),
            *(("night", 5), ("night", 6), ("night", 9)),
        ]
        assert [line["day"] for line in lines] == [5, 6, 9]
        assert error.startswith(
            "uae backfill: 3 days are done; not closed yet: 2026-01-07 to 2026-01-08, 2026-01-10 to "
            "2026-01-11; 2026-01-07 is not closed: the complete feed reaches 2026-01-08 00:00"
        )

    def test_a_range_in_the_wrong_order_starts_nothing(self, run: Any) -> None:
        code, _, error = run("backfill", "--from", "2026-01-06", "--to", "2026-01-05")
        assert (code, error) == (2, "uae backfill: --from 2026-01-06 is after --to 2026-01-05")


def summary(config: Any, registry: Any, version: int) -> dict[str, Any]:
    return {"champion": version}


class TestPromote:
    def test_the_newest_or_a_named_version_with_or_without_force(self, run: Any) -> None:
        asked: list[Any] = []

        def promote(config: Any, registry: Any, version: int | None, *, force: bool) -> int:
            asked.append((version, force))
            return version or 8

        for options, champion in (((), 8), (("--version", "3"), 3), (("--version", "3", "--force"), 3)):
            code, lines, _ = run("promote", *options, promote_version=promote, promotion_summary=summary)
            assert (code, lines) == (0, [{"champion": champion}])
        assert asked == [(None, False), (3, False), (3, True)]

    def test_going_back_is_one_command(self, run: Any) -> None:
        code, lines, _ = run("promote", "--rollback", promotion_summary=summary)
        assert (code, lines) == (0, [{"champion": 2}])
        assert Registry.champions == [2]

    def test_a_failed_gate_is_told(self, run: Any) -> None:
        def refuse(*_: Any, force: bool) -> int:
            raise ModelError("version 3 was not promoted: it has no validation loss")

        assert run("promote", promote_version=refuse) == (
            *(1, []),
            "uae promote: version 3 was not promoted: it has no validation loss",
        )

    def test_back_and_forth_at_once_is_a_mistake(self, run: Any) -> None:
        with pytest.raises(SystemExit) as left:
            run("promote", "--rollback", "--version", "3")
        assert left.value.code == 2


@pytest.mark.parametrize(
    "step", ["ingest", "sessions", "train", "score", "publish", "nightly", "plan", "lineage", "report"]
)
def test_a_day_in_another_form_is_told(run: Any, step: str) -> None:
    code, lines, error = run(step, "--date", "5 January")
    assert (code, lines) == (2, [])
    assert error == f"uae {step}: '5 January' is not a day; the form is YYYY-MM-DD"


def test_quarantine_counts_rows_by_reason_and_shows_them_where_that_is_asked(run: Any) -> None:
    asked: list[bool] = []

    def quarantined_rows(store: Any, day: date, *, shows_rows: bool) -> list[dict[str, Any]]:
        asked.append(shows_rows)
        return [{"reason": "a", "occurrences": 2}, {"reason": "b", "occurrences": 1}]

    code, lines, _ = run("quarantine", *DATE, quarantined_rows=quarantined_rows)
    assert (code, lines[0]) == (0, {"reason": "a", "occurrences": 2})
    assert lines[-1] == {"dt": "2026-01-05", "quarantined": 3, "reasons": {"a": 2, "b": 1}}
    run("quarantine", *DATE, "--show", quarantined_rows=quarantined_rows)
    assert asked == [False, True]


def test_forget_takes_ids_from_options_and_a_file_and_prints_none(run: Any, tmp_path: Path) -> None:
    told: list[Any] = []

    def forget_users(store: Any, named: list[str], **options: Any) -> Certificate:
        told.append((named, options))
        return Certificate(datetime(2026, 2, 1, tzinfo=UTC), None, 3, ("d",), *((),) * 4, {}, *((),) * 2)

    (tmp_path / "ids.txt").write_text("\ufeffann\nbob\n")
    names = ["--user", "cleo", "--file", str(tmp_path / "ids.txt"), "--now"]
    code, lines, _ = run("forget", *names, forget_users=forget_users)
    assert (code, told) == (0, [(["cleo", "ann", "bob"], {"reference": None, "vacuums": True})])
    assert lines[0]["users"] == 3
    assert Path(lines[0]["certificate"]).parent == tmp_path / "reports" / "forgotten"
    assert not any(name in json.dumps(lines) for name in ("cleo", "ann", "bob"))
    code, _, error = run("forget", "--file", str(tmp_path / "nowhere"), forget_users=forget_users)
    assert code == UsageError.exit_code
    assert error.endswith("nowhere: cannot be read as UTF-8 text (FileNotFoundError)")


def test_rekey_hands_the_file_on(run: Any) -> None:
    told: list[Any] = []

    def change_key(store: Any, file: str, *, vacuums: bool) -> dict[str, Any]:
        told.append((file, vacuums))
        return {"fingerprint": "f"}

    code, lines, _ = run("rekey", "--new-key-file", "new.key", change_key=change_key)
    assert (code, lines, told) == (0, [{"fingerprint": "f"}], [("new.key", False)])
