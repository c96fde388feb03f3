"""The metrics that a job leaves at its end, however it ends, and the run that its log names."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pyspark.sql import SparkSession

from jobs.common import LOOKING, add_day, add_days, job_parser, run, start
from tests.night_metrics import tell_night
from uae_model import __version__
from uae_model.config import load_config
from uae_model.core.errors import PublicationRefusedError
from uae_model.core.logs import log, log_context
from uae_model.core.run_figures import METRICS, OF_SUCCESS
from uae_model.pipeline import job as job_module

DAY = "2026-01-05"


@pytest.fixture(autouse=True)
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    session = SimpleNamespace(stop=lambda: None)
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: session)
    monkeypatch.setattr(job_module, "start_spark", lambda *arguments: "spark")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "uae.toml").write_text('[paths]\nmetrics = "metrics"\n')
    return tmp_path


def leave(folder: Path, error: BaseException | None = None, step: str = "nightly", *options: str) -> int:
    """Run a job that tells a night and ends so; return its exit code."""
    parser = job_parser(step, "A job.", "uae")
    add_day(parser, "the day")
    parser.add_argument("--dry-run", action="store_true")

    def body(args: argparse.Namespace) -> None:
        start(step, args)
        tell_night()
        if error is not None:
            raise error

    return run(parser, ["--config", str(folder / "uae.toml"), "--date", DAY, *options], body)


def samples(file: Path) -> dict[str, list[tuple[dict[str, str], float]]]:
    families = text_string_to_metric_families(file.read_text())
    return {f.name: [(sample.labels, sample.value) for sample in f.samples] for f in families}


def test_a_run_that_is_done(folder: Path) -> None:
    assert leave(folder) == 0
    last = samples(folder / "metrics" / "uae_nightly.prom")
    where = {"job": "nightly", "day": DAY}
    assert last["uae_run_exit_code"] == [(where, 0.0)]
    run_id = load_config(folder / "uae.toml").run_id(DAY)
    assert last["uae_run_info"] == [({**where, "run_id": run_id, "version": __version__}, 1.0)]
    assert last["uae_run_seconds"][0][1] >= 0
    assert last["uae_published_plays"] == [({**where, "step": "publish"}, 12.0)]
    success = samples(folder / "metrics" / "uae_nightly_success.prom")
    assert set(success) == {metric.name for metric in OF_SUCCESS}
    assert success["uae_last_success_timestamp_seconds"][0][1] == pytest.approx(
        last["uae_run_end_timestamp_seconds"][0][1], abs=1
    )


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (PublicationRefusedError("a check failed"), 4, "PublicationRefusedError"),
        (OSError(28, "No space left on device"), 1, "InputError"),
        (KeyError("a mistake of ours"), 1, "KeyError"),
        (KeyboardInterrupt(), 1, "KeyboardInterrupt"),
    ],
)
def test_a_run_that_failed(folder: Path, error: BaseException, code: int, kind: str) -> None:
    assert leave(folder, error) == code
    assert [file.name for file in (folder / "metrics").iterdir()] == ["uae_nightly.prom"]
    last = samples(folder / "metrics" / "uae_nightly.prom")
    where = {"job": "nightly", "day": DAY}
    assert last["uae_run_exit_code"] == [(where, float(code))]
    assert last["uae_run_error"] == [({**where, "error": kind}, 1.0)]
    assert last["uae_plays"] == [({**where, "step": "sessions"}, 12.0)], "what was told before the failure"


def test_a_done_and_a_failed_run_write_every_metric(folder: Path) -> None:
    leave(folder)
    leave(folder, KeyError("no"))
    written = {name for file in (folder / "metrics").iterdir() for name in samples(file)}
    assert written == {metric.name for metric in METRICS}


def test_where_no_folder_is_named_none_is_written(tmp_path: Path) -> None:
    (tmp_path / "uae.toml").touch()
    assert leave(tmp_path) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["uae.toml"]


@pytest.mark.parametrize(("step", "options"), [("nightly", ["--dry-run"]), *[(step, []) for step in LOOKING]])
def test_who_only_looks_writes_none(folder: Path, step: str, options: list[str]) -> None:
    assert leave(folder, None, step, *options) == 0
    assert not (folder / "metrics").exists()


def test_metrics_that_cannot_be_written_change_no_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "metrics").write_text("a file where the folder should be")
    assert leave(folder) == 0
    event = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert event["event"] == "metrics were not written: let this user write to paths.metrics"
    assert (event["level"], event["folder"]) == ("warning", str(folder / "metrics"))


class TestLog:
    """Every line from the start of the job on names its run and its day; lines of a step the step too."""

    def events(self, captured: str) -> dict[str, dict[str, str]]:
        return {event["event"]: event for event in map(json.loads, captured.splitlines())}

    @pytest.mark.parametrize("is_range", [False, True])
    def test_run_day_and_step(self, folder: Path, is_range: bool, capsys: pytest.CaptureFixture[str]) -> None:
        parser = job_parser("score", "A job.", "uae")
        (add_days if is_range else add_day)(parser, "day")

        def body(args: argparse.Namespace) -> None:
            start("score", args)
            with log_context(step="score"):
                log("scored")
            raise KeyError("no")

        days = ["--from", "2026-01-01", "--to", DAY] if is_range else ["--date", DAY]
        arguments = ["--config", str(folder / "uae.toml"), "--log-format", "json", *days]
        assert run(parser, arguments, body) == 1
        events = self.events(capsys.readouterr().err)
        run_id = load_config(folder / "uae.toml").run_id(DAY)
        assert list(events) == ["settings", "scored", "job failed", "job ended"]
        for event in events.values():
            assert (event["job"], event["run_id"], event["day"]) == ("uae score", run_id, DAY)
        assert events["scored"]["step"] == "score"

    def test_a_run_without_a_day_is_named_by_its_settings(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        parser = job_parser("maintain", "A job.", "uae")
        arguments = ["--config", str(folder / "uae.toml"), "--log-format", "json"]
        assert run(parser, arguments, lambda args: start("maintain", args)) == 0
        settings = self.events(capsys.readouterr().err)["settings"]
        assert settings["run_id"] == load_config(folder / "uae.toml").digest()
        assert "day" not in settings
