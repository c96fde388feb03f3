"""The DAG of Airflow: what it makes of exit codes, with stand-ins for what it imports of Airflow.

A real Airflow runs it by `make airflow`; that run's record is in the documentation.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scripts import airflow_nights, airflow_record
from tests.deploy.test_schedules import CRONTAB
from tests.docs.pages import ROOT
from tests.error_kinds import every_kind
from uae_model.core.errors import ConfigError, NotYetError, PublicationRefusedError, UaeError

DAG_FILE = ROOT / "deploy" / "airflow" / "uae_nightly.py"


class StandIn:
    """An operator or a DAG: keeps what it was made with."""

    made: list[StandIn]

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.made.append(self)

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FakeHook:
    """A process that ends as the test says."""

    ends: Any
    asked: list[Any]
    stopped = 0

    def run_command(self, command: list[str], cwd: str) -> Any:
        self.asked.append((command, cwd))
        return self.ends

    def send_sigterm(self) -> None:
        FakeHook.stopped += 1


@pytest.fixture
def dag(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module of the DAG, imported with stand-ins where Airflow would be."""
    StandIn.made, FakeHook.asked, FakeHook.stopped = [], [], 0
    general = type("AirflowException", (Exception,), {})
    names: dict[str, dict[str, Any]] = {
        "airflow.sdk": {
            "DAG": StandIn,
            "BaseOperator": StandIn,
            "CronTriggerTimetable": timetable,
        },
        "airflow.sdk.exceptions": {
            "AirflowException": general,
            "AirflowFailException": type("AirflowFailException", (general,), {}),
        },
        "airflow.providers.standard.hooks.subprocess": {"SubprocessHook": FakeHook},
    }
    parts = {name.rsplit(".", count)[0] for name in names for count in range(name.count(".") + 1)}
    for name in sorted({*parts, *names}):
        module = ModuleType(name)
        vars(module).update(names.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("UAE_HOME", "UAE_ALERT", "UAE_FIRST_RUN", "UAE_LAST_RUN", "UAE_RETRY_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    return imported()


def timetable(cron: str, *, timezone: str) -> Any:
    return SimpleNamespace(cron=cron, timezone=timezone)


def imported() -> Any:
    spec = importlib.util.spec_from_file_location("uae_nightly", DAG_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def task() -> Any:
    return next(each for each in StandIn.made if "task_id" in each.settings)


def tried(exit_code: int) -> Any:
    """Run the task with a night that ends so; return what it gives or raises."""
    FakeHook.ends = SimpleNamespace(exit_code=exit_code, output="the last line")
    try:
        return task().execute({})
    except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
        return error


def test_every_exit_code_is_answered_as_operations_says(dag: Any) -> None:
    assert tried(0) == "the last line"
    answers = {code: type(tried(code)) for code in sorted({kind.exit_code for kind in every_kind()})}
    assert answers == {
        UaeError.exit_code: dag.RunError,
        ConfigError.exit_code: dag.AirflowFailException,
        NotYetError.exit_code: dag.NotYetError,
        PublicationRefusedError.exit_code: dag.AirflowFailException,
    }
    assert type(tried(-9)) is dag.RunError
    for kind in (dag.RunError, dag.NotYetError):
        assert not issubclass(kind, dag.AirflowFailException), "Airflow would not try it again"
    assert "exit code 4" in str(tried(4))
    assert str(tried(4)).endswith("the last line")


def test_who_is_told_of_which_try(
    dag: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dag, "ALERT_COMMAND", "cat")
    about = SimpleNamespace(dag_id="uae_nightly", run_id="r", try_number=2)

    def told(callback: str, error: Exception) -> str:
        task().settings[callback]({"task_instance": about, "exception": error})
        return capfd.readouterr().out

    assert told("on_retry_callback", tried(3)) == ""
    assert caplog.messages == []
    assert (
        told("on_retry_callback", tried(1)) == "uae_nightly r try 2: an error (exit code 1): the last line\n"
    )
    assert "exit code 4" in told("on_failure_callback", tried(4))
    assert "exit code 3" in told("on_failure_callback", tried(3))  # the last try
    assert len(caplog.messages) == 3


def test_it_asks_for_the_day_and_at_the_hours_that_cron_does(dag: Any) -> None:
    made = next(each for each in StandIn.made if "dag_id" in each.settings).settings
    minute, hour = made["schedule"].cron.split()[:2]
    assert (minute, hour, made["schedule"].timezone) == ("0", "5", "UTC")
    assert CRONTAB[1].startswith("*/30 5-12 * * * ")
    settings = task().settings
    last = settings["retries"] * settings["retry_delay"]
    assert last.total_seconds() == 7 * 3600  # at twelve
    assert task().arguments[-2:] == ["--date", "{{ macros.ds_add(ds, -2) }}"]
    assert "2 days ago" in CRONTAB[1]
    assert made["catchup"] is False


def test_the_night_is_a_process_of_the_site_and_ends_with_the_task(dag: Any) -> None:
    task().on_kill()
    assert FakeHook.stopped == 0
    tried(0)
    ((command, folder),) = FakeHook.asked
    assert command[:4] == ["/srv/uae/.venv/bin/uae", "nightly", "--config", "uae.toml"]
    assert folder == "/srv/uae"
    task().on_kill()
    assert FakeHook.stopped == 1


def test_missed_days_are_made_up_from_a_morning_on(dag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UAE_FIRST_RUN", "2026-01-11")
    monkeypatch.setenv("UAE_LAST_RUN", "2026-01-14")
    StandIn.made = []
    imported()
    made = next(each for each in StandIn.made if "dag_id" in each.settings).settings
    assert made["catchup"] is True
    assert str(made["start_date"]) == "2026-01-11 00:00:00+00:00"
    assert str(made["end_date"]) == "2026-01-15 00:00:00+00:00"  # the morning of the 14th is before it


def test_the_last_line_of_a_log() -> None:
    def log(*events: str) -> str:
        return "".join(f"{json.dumps({'event': event})}\n" for event in events)

    refused = log("Output:", "progress", "uae nightly: refused", "Command exited with return code 4", "alert")
    assert airflow_record.last_line(refused) == (4, "uae nightly: refused")
    done = log('{"dt": "2026-01-09", "plays": 5, "seconds": {}}', "Command exited with return code 0")
    assert airflow_record.last_line(done) == (0, '{"dt": "2026-01-09", "plays": 5}')
    assert airflow_record.last_line(log("Output:")) == (None, "")


def test_the_record_is_of_a_run_that_went_as_it_must_and_the_page_shows_it() -> None:
    record = airflow_record.ON_PAGE.read()
    page = airflow_record.PAGE.read_text()
    assert airflow_record.ON_PAGE.filled_in(page, record) == page
    assert f"apache-airflow=={record['airflow']} " in airflow_record.REQUIREMENTS.read_text()
    tries = [airflow_record.Ended(**each) for each in record["tries"]]
    assert airflow_nights.differences(tries, record["alerts"]) == []
    assert airflow_nights.differences(tries[1:], []) != []
