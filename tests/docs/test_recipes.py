"""The recipes for readers run as they stand, in a folder that has demo/tables."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from tests.docs.pages import ROOT, blocks
from tests.readers.published_tables import FIRST, LAST, publish_week, weighted_rows
from tests.registry.builders import Trained
from tests.training_builders import encode_plays
from uae_model.config import load_config
from uae_model.features.arrays import bucket_of
from uae_model.lake.jars import delta_package
from uae_model.lake.spark import COMMON_CONF, REQUIRED_SETTINGS, read_spark_conf
from uae_model.registry.tracking import tracked_by

HOW_TO = ROOT / "docs" / "howto"
GUIDE = ROOT / "docs" / "guides" / "recommender-team.md"
LONGEST_PAGE = 60
"""Lines of a how-to."""

WEEK = [row for number in range(7) for row in weighted_rows(FIRST + timedelta(days=number))]
PASSIVE = [row["sample_weight"] for row in WEEK if not row["is_active"]]
WEIGHTS = np.array([row["sample_weight"] for row in WEEK])
DECLARED = load_config(None).features

RECIPES = {
    "choose-days": 3,
    "know-the-columns": 1,
    "normalise-weights": 1,
    "read-frames": 3,
    "read-spark": 1,
    "run-from-airflow": 0,
    "object-storage": 0,
    "run-from-cron": 0,
    "score-with-mlflow": 2,
    "train-keras": 1,
    "train-lightgbm-xgboost": 3,
    "train-pytorch": 1,
}
"""How many snippets each page has; a page without any tells so here."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a week of published days in demo/tables."""
    folder = tmp_path_factory.mktemp("recipes")
    publish_week(folder / "demo" / "tables")
    return folder


@pytest.fixture
def run(demo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, Any]]:
    """Return what runs the Python snippets of a page one after the other; it gives the names they leave."""

    def run_page(page: Path) -> dict[str, Any]:
        monkeypatch.chdir(demo)
        names: dict[str, Any] = {}
        for block in blocks("python", page):
            exec(compile(block.text, str(block), "exec"), names)  # noqa: S102 - that is the test
        return names

    return run_page


@pytest.fixture(scope="module")
def registered(demo: Path) -> Trained:
    """Return the registry of demo/mlflow.db, with a champion."""
    trained = Trained(demo / "demo")
    trained.registry.set_champion(trained.registry.version(1))
    return trained


def how_to(name: str) -> Path:
    return HOW_TO / f"{name}.md"


def test_every_how_to_is_a_page_and_is_run() -> None:
    assert {page.stem: len(blocks("python", page)) for page in HOW_TO.glob("*.md")} == RECIPES
    for page in HOW_TO.glob("*.md"):
        assert len(page.read_text().splitlines()) <= LONGEST_PAGE


def test_the_lines_of_the_readme(
    run: Callable[[Path], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(run(ROOT / "README.md")["weights"]) == len(weighted_rows(LAST))
    assert "sample_weight" in capsys.readouterr().out


def test_the_guide(run: Callable[[Path], dict[str, Any]]) -> None:
    names = run(GUIDE)
    rows = weighted_rows(LAST)
    assert names["weights"].num_rows == len(rows)
    assert sorted(names["samples"].weight_N.tolist()) == pytest.approx(
        sorted(row["sample_weight"] for row in rows)
    )
    assert sorted(names["space"].names) == sorted(DECLARED.names)


def test_frames(run: Callable[[Path], dict[str, Any]]) -> None:
    names = run(how_to("read-frames"))
    assert names["mean_of_passive"] == pytest.approx(np.mean(PASSIVE))
    by_day = names["by_day"].filter(~names["pl"].col("is_active"))
    assert by_day["dt"].to_list() == [FIRST + timedelta(days=number) for number in range(7)]
    assert names["plays"].count("event_id").fetchall() == [(len(WEEK),)]  # DuckDB's, the last of the page
    by_device = dict(names["by_device"].fetchall())
    for device in (None, "phone"):
        weights = [r["sample_weight"] for r in WEEK if r["device"] == device and not r["is_active"]]
        assert by_device[device] == pytest.approx(np.mean(weights))


def test_pytorch(run: Callable[[Path], dict[str, Any]]) -> None:
    names = run(how_to("train-pytorch"))
    assert 0 < names["loss"].item() < 1
    effect = names["effects"]["genre"].weight
    buckets = len(effect) - 1
    moments = names["optimizer"].state[effect]["exp_avg"][:, 0]
    moved = {number for number in range(buckets + 1) if moments[number] != 0}
    assert moved == {bucket_of(genre, buckets) for genre in ("rock", "jazz", "folk")}


def test_lightgbm_and_xgboost(run: Callable[[Path], dict[str, Any]]) -> None:
    with threadpool_limits(1):  # more threads than free cores wait for one another, a hundred times as long
        names = run(how_to("train-lightgbm-xgboost"))
    used = [feature.column for feature in DECLARED if feature.source not in names["ids"]]
    assert names["trees"].feature_name() == names["boosted"].feature_names == used
    label, weight = names["plays"]["label"].to_numpy(), names["weight"].to_numpy()
    assert weight.mean() == pytest.approx(1)
    # Boosted trees are calibrated on what they were trained on: on the weighted plays, and only there.
    weighted, plain = np.average(label, weights=weight), label.mean()
    assert abs(weighted - plain) > 0.1
    for score in (names["score"], names["chance"]):
        assert np.average(score, weights=weight) == pytest.approx(weighted, abs=0.02)
        assert score[label == 1].mean() > score[label == 0].mean() + 0.1


def test_keras(run: Callable[[Path], dict[str, Any]]) -> None:
    names = run(how_to("train-keras"))
    assert names["keras"].backend.backend() == "torch"
    genres = names["plays"]["genre"].to_pylist()
    assert names["arrays"]["genre"].tolist() == [bucket_of(genre, 64) for genre in genres]
    assert np.isnan(names["arrays"]["song_popularity"]).any()
    (loss,) = names["model"].history.history["loss"]
    assert 0 < loss < 2  # missing numbers have not spread
    assert names["weight"].sum() == pytest.approx(WEIGHTS.sum())


def test_normalised_weights(run: Callable[[Path], dict[str, Any]]) -> None:
    names = run(how_to("normalise-weights"))
    assert names["mean_weight"] == pytest.approx(WEIGHTS.mean())
    assert names["normalised"].mean() == pytest.approx(1)
    assert sorted(names["normalised"] * names["mean_weight"]) == pytest.approx(sorted(WEIGHTS))


def test_choice_of_days(run: Callable[[Path], dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    names = run(how_to("choose-days"))
    assert len(names["one_day"]) == len(names["a_range"]) == len(weighted_rows(LAST))
    assert len(names["newest"]) == len(names["then"]) == len(WEEK)
    days = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert days == [f"2026-01-{number:02}" for number in range(7, 14)]


def test_meaning_of_the_columns(
    run: Callable[[Path], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run(how_to("know-the-columns"))
    told = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in told] == [feature.column for feature in DECLARED]
    assert told[0] == ["hour_of_day", "int64", "context", "hour of the start, 0-23 UTC"]


@pytest.fixture
def java_in_demo(spark: SparkSession, demo: Path) -> Iterator[None]:
    """Let relative paths of Spark count from the folder, too: Java stays where the session was started."""
    hadoop = spark._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]
    filesystem = hadoop.FileSystem.get(spark._jsc.hadoopConfiguration())
    before = filesystem.getWorkingDirectory()
    filesystem.setWorkingDirectory(hadoop.Path(str(demo)))
    yield
    filesystem.setWorkingDirectory(before)


@pytest.mark.usefixtures("java_in_demo")
def test_spark(run: Callable[[Path], dict[str, Any]]) -> None:
    names = run(how_to("read-spark"))
    assert names["weights"].count() == len(WEEK)
    by_day = {row["dt"]: row["avg(sample_weight)"] for row in names["passive"].collect()}
    for day, mean in by_day.items():
        weights = [row["sample_weight"] for row in WEEK if row["dt"] == day and not row["is_active"]]
        assert mean == pytest.approx(np.mean(weights))
    assert len(by_day) == 7


@pytest.mark.usefixtures("java_in_demo")
def test_scoring_with_mlflow(
    run: Callable[[Path], dict[str, Any]], registered: Trained, spark: SparkSession
) -> None:
    with tracked_by(registered.config.paths.mlflow):  # the recipe sets the process's own, which goes back
        names = run(how_to("score-with-mlflow"))
    rows = sorted(weighted_rows(LAST), key=lambda row: (row["session_id"], row["position"]))
    attention, _ = encode_plays(registered.config, rows).predict(registered.pairs["one"])
    plays = names["plays"].sort_values(["session_id", "position"])
    np.testing.assert_allclose(plays["estimated"], attention, rtol=0, atol=1e-6)
    by_play = {(row["session_id"], row["before"]): row["attention"] for row in names["by_play"].collect()}
    expected = {(row["session_id"], row["position"] - 1): a for row, a in zip(rows, attention, strict=True)}
    assert by_play == pytest.approx(expected, abs=1e-6)


def test_the_settings_of_the_spark_recipe_are_those_of_this_project() -> None:
    """The session of the test has them already, so running the recipe does not show that they suffice."""
    (recipe,) = blocks("python", how_to("read-spark"))
    settings = dict(re.findall(r'^    "(spark\.[^"]+)": "([^"]+)",$', recipe.text, re.MULTILINE))
    assert settings.pop("spark.jars.packages") == delta_package()
    assert settings.items() >= REQUIRED_SETTINGS.items()
    assert settings.items() <= read_spark_conf(COMMON_CONF).items()


class TestCron:
    """The line of the crontab, run by sh with a stand-in for uae."""

    @pytest.fixture
    def line(self, tmp_path: Path) -> str:
        (text,) = (block.text for block in blocks("text", how_to("run-from-cron")))
        zone, job = text.splitlines()
        assert zone == "CRON_TZ=UTC"
        schedule, folder, command = re.fullmatch(r"((?:\S+ ){5})cd (\S+) && (.*)", job).groups()  # type: ignore[union-attr]
        assert (schedule, folder) == ("*/30 5-12 * * * ", "/srv/uae")
        assert not re.search(r"(?<!\\)%", command), "cron takes a bare % for the end of the line"
        return str(command).replace("\\%", "%")

    def tried(self, line: str, folder: Path, exit_code: int) -> str:
        """Return what the line prints, which cron mails."""
        uae = folder / ".venv" / "bin" / "uae"
        uae.parent.mkdir(parents=True, exist_ok=True)
        uae.write_text(f'#!/bin/sh\necho "{{}}"\necho "$@" > asked\necho "why" >&2\nexit {exit_code}\n')
        uae.chmod(0o755)
        done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout

    @pytest.mark.parametrize(
        ("exit_code", "mailed"), [(0, ""), (3, ""), (1, "why\n"), (2, "why\n"), (4, "why\n")]
    )
    def test_cron_mails_what_a_person_must_know(
        self, line: str, tmp_path: Path, exit_code: int, mailed: str
    ) -> None:
        assert self.tried(line, tmp_path, exit_code) == mailed
        assert (tmp_path / "night.json").read_text() == "{}\n"

    def test_the_night_before_the_last_is_asked_for(self, line: str, tmp_path: Path) -> None:
        days = {datetime.now(UTC).date() - timedelta(days=2)}
        self.tried(line, tmp_path, 0)
        days.add(datetime.now(UTC).date() - timedelta(days=2))  # midnight may have passed
        *words, day = (tmp_path / "asked").read_text().split()
        assert words == ["nightly", "--config", "uae.toml", "--date"]
        assert date.fromisoformat(day) in days
