"""What every job shares: options, errors in one line, the exit code, the summary."""

from __future__ import annotations

import argparse
import json
import warnings
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delta.exceptions import ConcurrentAppendException
from pyspark.sql import SparkSession

from jobs.common import add_day, add_days, day_range, job_parser, print_summary, run, settings, start
from uae_model.config import PROFILES
from uae_model.core.errors import (
    ConfigError,
    ContractError,
    DeliveryRefusedError,
    InputError,
    NotClosedError,
    NotYetError,
    PromotionRefusedError,
    PublicationRefusedError,
    UaeError,
    UsageError,
)
from uae_model.core.logs import log, log_context
from uae_model.pipeline import job as job_module


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the session that a job stops at its end: the tests share theirs."""
    stops: list[str] = []
    session = SimpleNamespace(stop=lambda: stops.append("stop"))
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: session)
    return stops


def parser() -> argparse.ArgumentParser:
    return job_parser("test", "A job.", "uae test --x")


WORKER = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/opt/worker.py", line 1, in main
decimal.Overflow: [<class 'decimal.Overflow'>]

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/opt/reader.py", line 61, in read_part
RuntimeError: file a.json: Overflow: too large

\tat org.apache.spark.api.python.BasePythonRunner
"""
"""What Spark says of an error in a Python worker."""


class AbortError(Exception):
    """An error without a word."""


class TestRun:
    def test_success_is_zero_and_ends_the_session(self, stopped: list[str]) -> None:
        seen = []
        assert run(parser(), ["--log-level", "ERROR"], lambda args: seen.append(args.log_level)) == 0
        assert seen == ["ERROR"]
        assert stopped == ["stop"]

    def test_an_error_to_mend_is_one_line_and_one(
        self, stopped: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(args: argparse.Namespace) -> None:
            raise InputError("the feed has no column 'x'")

        assert run(parser(), ["--log-level", "WARNING"], fail) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.splitlines()[-1] == "uae test: the feed has no column 'x'"
        assert "Traceback" not in captured.err
        assert stopped == ["stop"]

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            *[(UaeError, 1), (InputError, 1), (ContractError, 1), (ConfigError, 2), (UsageError, 2)],
            (DeliveryRefusedError, 4),
            *[(NotYetError, 3), (NotClosedError, 3)],
            *[(PublicationRefusedError, 4), (PromotionRefusedError, 4)],
        ],
    )
    def test_a_scheduler_can_act_on_the_exit_code(self, error: type[UaeError], code: int) -> None:
        def fail(args: argparse.Namespace) -> None:
            raise error("no")

        assert run(parser(), [], fail) == code

    @pytest.mark.parametrize(
        ("error", "line"),
        [
            (
                KeyError("a mistake of\nours"),
                "uae test: step ingest, slot dt=2026-01-05: KeyError: 'a mistake of\\nours'; run it again",
            ),
            (PermissionError(13, "Permission denied", "/feed/a"), "/feed/a: this user may not read or write"),
            (FileNotFoundError(2, "No such file or directory", "/a"), "/a: a file went away while it was"),
            (MemoryError(), "the memory did not suffice; give spark.driver.memory"),
            (
                OSError(28, "No space left on device"),
                "uae test: step ingest, slot dt=2026-01-05: the disk is full; free space there and run the",
            ),
            (RuntimeError("Job aborted\n\tat org.apache.Spark\n\tat x"), "RuntimeError: Job aborted; run it"),
            (KeyboardInterrupt(), "dt=2026-01-05: it was interrupted; what was not finished is done by the"),
            (IsADirectoryError(21, "Is a directory", "/a.parquet"), "/a.parquet: Is a directory; run it"),
            (
                UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
                "codec can't decode byte 0xff",
            ),
            (RuntimeError(WORKER), "RuntimeError: RuntimeError: file a.json: Overflow: too large; run it"),
            (AbortError(), "AbortError; run it again"),
        ],
    )
    def test_any_other_error_is_one_line_and_its_traceback_one_event(
        self, stopped: list[str], capsys: pytest.CaptureFixture[str], error: BaseException, line: str
    ) -> None:
        def fail(args: argparse.Namespace) -> None:
            with log_context(step="ingest"), log_context(slot="dt=2026-01-05"):
                raise error

        assert run(parser(), [], fail) == 1
        *events, last = capsys.readouterr().err.splitlines()
        assert line in last
        event = json.loads(events[-1])
        assert (event["event"], event["error"], event["slot"]) == (
            *("job failed", type(error).__name__, "dt=2026-01-05"),
        )
        assert "Traceback" in event["traceback"]
        assert stopped == ["stop"]

    def test_a_known_fault_has_an_exit_code_of_its_own(self, capsys: pytest.CaptureFixture[str]) -> None:
        def fail(args: argparse.Namespace) -> None:
            with log_context(table="plays", dt=date(2026, 1, 5)):
                raise ConcurrentAppendException("[DELTA_CONCURRENT_APPEND] Files were added\n\tby another")

        assert run(parser(), [], fail) == NotYetError.exit_code
        told = capsys.readouterr().err.splitlines()
        assert told[-1] == (
            "uae test: table plays, dt 2026-01-05: another run of this day is going on: it changed the same "
            "table at the same moment; wait for its end and run the same command again"
        )
        assert json.loads(told[-2])["error"] == "ConcurrentAppendException"

    def test_a_java_error_tells_its_message_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        class JavaError(Exception):
            java_exception = SimpleNamespace(getMessage=lambda: "Disk quota exceeded\n\tat java.io.File\n")

        def fail(args: argparse.Namespace) -> None:
            raise JavaError("An error occurred while calling o1.save.\n: java.io.IOException\n\tat x")

        assert run(parser(), [], fail) == 1
        assert "uae test: JavaError: Disk quota exceeded; run it again" in capsys.readouterr().err

    def test_a_session_that_cannot_be_stopped_hides_nothing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def stop() -> None:
            raise ConnectionRefusedError(111, "Connection refused")

        def fail(args: argparse.Namespace) -> None:
            raise InputError("what happened")

        monkeypatch.setattr(SparkSession, "getActiveSession", lambda: SimpleNamespace(stop=stop))
        assert run(parser(), [], fail) == 1
        told = capsys.readouterr().err.splitlines()
        assert told[-1] == "uae test: what happened"
        assert json.loads(told[-2])["event"] == "spark did not stop"

    def test_wrong_options_are_two(self, capsys: pytest.CaptureFixture[str]) -> None:
        for wrong in (["--no-such"], ["--profile", "big"], ["--log-level", "LOUD"]):
            with pytest.raises(SystemExit) as left:
                run(parser(), wrong, lambda args: None)
            assert left.value.code == 2
        choices = ", ".join(map(repr, PROFILES))
        assert f"invalid choice: 'big' (choose from {choices})" in capsys.readouterr().err


class TestOptions:
    def test_settings_come_from_file_profile_and_overrides(self, tmp_path: Path) -> None:
        (tmp_path / "uae.toml").write_text("[training]\nseed = 3\n")
        options = ["--config", str(tmp_path / "uae.toml"), "--profile", "paper"]
        options += ["--set", "training.epochs=2", "--set", "weights.gamma=5"]
        config = settings(parser().parse_args(options))
        assert (config.network.hidden, config.training.seed, config.training.epochs) == (128, 3, 2)
        assert config.weights.gamma == 5
        assert config.paths.tables == str(tmp_path / "tables")

    def test_a_range_of_days(self) -> None:
        options = parser()
        add_days(options, "day")
        days = day_range(options.parse_args(["--from", "2026-01-05", "--to", "2026-01-05"]))
        assert days == (date(2026, 1, 5), date(2026, 1, 5))
        with pytest.raises(UsageError, match="--from 2026-01-06 is after --to 2026-01-05"):
            day_range(options.parse_args(["--from", "2026-01-06", "--to", "2026-01-05"]))
        with pytest.raises(UsageError, match="is not a day; the form"):
            day_range(options.parse_args(["--from", "05.01.2026", "--to", "2026-01-05"]))

    def test_start_opens_the_tables_of_the_settings(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        started: list[Any] = []

        def start_spark(*arguments: Any) -> str:
            started.append(arguments)
            return "spark"

        monkeypatch.setattr(job_module, "start_spark", start_spark)
        options = parser()
        add_day(options, "the day")
        (tmp_path / "uae.toml").touch()
        arguments = ["--config", str(tmp_path / "uae.toml"), "--spark-conf", "a", "--spark-conf", "b"]
        job = start("ingest", options.parse_args([*arguments, "--date", "2026-01-05"]))
        assert started == [("ingest", ["a", "b"])]
        assert str(job.spark) == str(job.store.spark) == "spark"
        assert job.store.config is job.config
        assert job.store.path("plays") == str(tmp_path / "tables" / "plays")


def test_a_summary_is_one_line_of_json_in_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary({"dt": date(2026, 1, 5), "checks": ["a\nb"], "rows": 3})
    text = capsys.readouterr().out
    assert text == '{"dt": "2026-01-05", "checks": ["a\\nb"], "rows": 3}\n'
    assert list(json.loads(text)) == ["dt", "checks", "rows"]


class TestStandardError:
    """What a job writes there where JSON is demanded by name: events alone."""

    @pytest.mark.parametrize("how", ["option", "variable"])
    def test_every_line_is_an_event(
        self, how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def body(args: argparse.Namespace) -> None:
            warnings.warn("of some\nlibrary", UserWarning, stacklevel=1)
            raise InputError("no feed")

        monkeypatch.setenv("UAE_LOG_FORMAT", "human" if how == "option" else "json")
        options = ["--log-format", "json"] if how == "option" else []
        assert run(parser(), options, body) == 1
        events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [event["event"] for event in events] == ["a library warns", "job failed", "job ended"]
        assert events[0]["text"] == "of some library"
        assert (events[2]["exit_code"], events[2]["message"]) == (1, "no feed")

    def test_a_person_reads_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(parser(), ["--log-format", "human"], lambda args: log("done", plays=1000)) == 0
        assert capsys.readouterr().err.endswith("  done  plays=1,000\n")

    def test_an_unknown_format_is_wrong_usage(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("UAE_LOG_FORMAT", "xml")
        with pytest.raises(SystemExit) as left:
            run(parser(), [], lambda args: None)
        assert left.value.code == 2
        assert "UAE_LOG_FORMAT = 'xml': allowed are human, json" in capsys.readouterr().err
