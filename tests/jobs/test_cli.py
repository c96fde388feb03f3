"""`uae STEP`: every step has its help with an example, and a wrong word is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs import cli
from uae_model import __version__

MODULES = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - {"__init__", "cli", "common"}


def test_every_job_is_a_step_and_every_step_a_job() -> None:
    assert set(cli.STEPS) == MODULES


@pytest.mark.parametrize("step", cli.STEPS)
def test_help_ends_with_an_example_that_names_the_step(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([step, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: uae {step}" in text
    example = text[text.index("example:\n") :].splitlines()[1].strip()
    assert example.startswith(f"uae {step} --")


WITHOUT_A_DAY = {
    "init",
    "models",
    "simulate",
    "promote",
    "doctor",
    "backfill",
    "features",
    "maintain",
    "forget",
    "rekey",
    "report",
}


@pytest.mark.parametrize("step", sorted(MODULES - WITHOUT_A_DAY))
def test_a_step_of_a_day_needs_the_day(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([step])
    assert left.value.code == 2
    assert "the following arguments are required: --date" in capsys.readouterr().err


def test_a_report_needs_a_day_or_a_range(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--from", "2026-01-01"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("uae report: give --date for the page of a day")


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_the_overview_lists_every_step(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word]) == 0
    text = capsys.readouterr().out
    for step, meaning in cli.STEPS.items():
        assert f"{step} " in text
        assert meaning in text


def test_no_step_or_an_unknown_one_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert cli.main(["fly"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("uae: no step is called 'fly'\n")
    assert "usage: uae STEP" in captured.err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"uae {__version__}\n"


def test_a_package_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jobs.check", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    assert cli.main(["check"]) == 2
    assert capsys.readouterr().err.startswith("uae check: needs the package ")


@pytest.mark.slow
def test_as_a_program_it_leaves_with_the_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", "promote", "--config", str(tmp_path / "nowhere.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert (
        last
        == f"uae promote: the configuration file {tmp_path}/nowhere.toml does not exist; pass --config FILE"
    )
    assert "Traceback" not in done.stderr
