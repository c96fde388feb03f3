"""cron and systemd: the commands exist, and both try at the same hours as the documentation says."""

from __future__ import annotations

import configparser
import re
import shlex

from jobs.cli import STEPS
from tests.docs.pages import ROOT, blocks
from uae_model.core.errors import NotYetError

DEPLOY = ROOT / "deploy"
CRONTAB = [
    line for line in (DEPLOY / "cron" / "uae.crontab").read_text().splitlines() if not line.startswith("#")
]


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd tells letters apart
    parser.read_string((DEPLOY / "systemd" / name).read_text())
    return parser


def test_the_crontab_starts_as_the_recipe_that_is_tested() -> None:
    (recipe,) = blocks("text", ROOT / "docs" / "howto" / "run-from-cron.md")
    assert CRONTAB[: len(recipe.text.splitlines())] == recipe.text.splitlines()


def test_lines_of_the_crontab_run_steps_that_exist() -> None:
    for line in CRONTAB[1:]:
        *times, command = line.split(" ", 5)
        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in times)
        (step,) = re.findall(r"\.venv/bin/uae (\w+)", command)
        assert step in STEPS
        assert not re.search(r"(?<!\\)%", command), "cron reads % as the end of the line"


def test_the_service_runs_the_night_and_takes_not_yet_for_well() -> None:
    service = unit("uae-nightly.service")["Service"]
    assert service["Type"] == "oneshot"
    assert int(service["SuccessExitStatus"]) == NotYetError.exit_code
    shell, option, command = shlex.split(service["ExecStart"].replace("%%", "%"))
    assert (shell, option) == ("/bin/sh", "-c")
    assert command.startswith("exec .venv/bin/uae nightly --config uae.toml --date ")
    assert not re.search(r"(?<!%)%(?!%)", service["ExecStart"].replace("%%", "")), "systemd reads % itself"


def test_the_timer_tries_when_cron_does() -> None:
    timer = unit("uae-nightly.timer")
    assert timer["Timer"]["OnCalendar"] == "*-*-* 05..12:00/30 UTC"
    assert CRONTAB[1].startswith("*/30 5-12 * * * ")
    assert CRONTAB[0] == "CRON_TZ=UTC"
    assert timer["Install"]["WantedBy"] == "timers.target"
