"""What is said of registered versions, and of a registry that was moved: a real MLflow registry, no Spark."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from pyspark.sql import SparkSession

from jobs import cli
from tests.registry.builders import Trained
from uae_model.config import load_config
from uae_model.config.model_sections import PromotionGates
from uae_model.registry.client import Registry
from uae_model.registry.gates import RegisteredCandidate
from uae_model.registry.overview import FORCED, change_in_words, model_line, table_of

CANDIDATE = RegisteredCandidate(0.24, 0.3, 5000, 1, 0.25)


@pytest.mark.parametrize(
    ("loss", "champion", "words"),
    [
        (0.24, 0.25, "better by 0.0100 nats a play (4.00%)"),
        (0.26, 0.25, "worse by 0.0100 nats a play (4.00%)"),
        (0.25, 0.25, "as good as the champion"),
        (0.25, None, "not compared with a champion"),
        (float("nan"), 0.25, "no validation loss is known"),
        (None, 0.25, "no validation loss is known"),
    ],
)
def test_a_comparison_in_words(loss: float | None, champion: float | None, words: str) -> None:
    assert change_in_words(loss, champion) == words


def test_a_version_says_its_gates_and_whether_it_was_forced() -> None:
    tags = {"propensity_version": "4", "estimator": "chain", "validation_days": "2026-01-07..2026-01-07"}
    good = model_line(4, tags, ["champion"], CANDIDATE, PromotionGates(), "c4dbae9217d2977b")
    poor = RegisteredCandidate(0.4, 0.3, 10, None, None)
    bad = model_line(3, {**tags, FORCED: "it was small"}, [], poor, PromotionGates(), "")
    assert (good.failed_gates, len(bad.failed_gates)) == ((), 2)
    header, first, second, *below = table_of([good, bad])
    assert first.split() == [
        "4",
        "champion",
        "chain",
        "2026-01-07",
        "0.2400",
        "0.2500",
        "(v1)",
        "passed",
        "no",
        "c4dbae9217d2",
    ]
    assert second.split() == ["3", "-", "chain", "2026-01-07", "0.4000", "-", "2", "failed", "yes", "-"]
    assert header.split()[:2] == ["version", "alias"]
    assert "version 4: better by 0.0100 nats a play (4.00%)" in below
    assert sum(line.startswith("version 3 fails: ") for line in below) == 2
    assert below[-1] == "version 3 was promoted in spite of: it was small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "shop"
    made.mkdir()
    Trained(made)
    # As a person moves it: the registry keeps the paths of before.
    moved = made.parent.parent / "moved"
    shutil.move(made, moved)
    return moved


@pytest.mark.slow
class TestCommands:
    """The commands, one after the other on one registry."""

    @pytest.fixture(autouse=True)
    def _kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # other tests share theirs

    def told(
        self, capsys: pytest.CaptureFixture[str], folder: Path, *command: str
    ) -> tuple[int, list[str], str]:
        code = cli.main([*command, "--config", str(folder / "uae.toml"), "--log-level", "ERROR"])
        captured = capsys.readouterr()
        error = captured.err.strip().splitlines()
        return code, captured.out.splitlines(), error[-1] if error else ""

    def test_promote_models_and_the_way_back(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, error = self.told(capsys, folder, "promote", "--version", "1")
        assert (code, "promotion.min_training_plays" in error) == (4, True), error
        summaries: list[dict[str, Any]] = []
        for options in (("--version", "1", "--force"), ("--version", "2", "--force"), ("--rollback",)):
            code, lines, error = self.told(capsys, folder, "promote", *options)
            assert code == 0, error
            summaries.append(json.loads(lines[-1]))
        assert [summary["champion"] for summary in summaries] == [1, 2, 1]
        assert [summary["forced"] for summary in summaries] == [True, True, True]
        assert summaries[0]["validation_nll"] == pytest.approx(0.251234567)
        assert summaries[0]["change"] == "not compared with a champion"
        code, _, error = self.told(capsys, folder, "promote", "--rollback")
        assert (code, "there is nothing further back" in error) == (1, True), error

        code, lines, error = self.told(capsys, folder, "models")
        assert code == 0, error
        assert [line.split()[:3] for line in lines[1:3]] == [["2", "-", "chain"], ["1", "champion", "chain"]]
        models = json.loads(lines[-1])["models"]
        assert [model["version"] for model in models] == [2, 1]
        assert [model["aliases"] for model in models] == [[], ["champion"]]
        assert all("promotion.min_training_plays" in model["forced"] for model in models)
        assert {len(model["digest"]) for model in models} == {12}

    def test_a_moved_registry_still_gives_its_models(self, folder: Path) -> None:
        loaded = Registry(load_config(folder / "uae.toml")).load(1, 1)
        assert loaded.attention_version == 1

    def test_a_version_that_was_deleted_is_left_out_and_any_other_error_is_told(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy)
        registry = Registry(load_config(copy / "uae.toml"))
        MlflowClient(registry.uri).delete_model_version(registry.config.registry.attention_model, "1")
        assert [line.version for line in registry.overview()] == [2]

        def locked(*_: Any) -> None:
            raise MlflowException("database is locked")

        monkeypatch.setattr(MlflowClient, "get_model_version", locked)
        with pytest.raises(MlflowException, match="database is locked"):
            registry.overview()

    def test_where_nothing_is_registered_it_is_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "uae.toml").touch()
        code, _, error = self.told(capsys, tmp_path, "models")
        assert (code, "there is no registry" in error) == (1, True)
        assert list(tmp_path.iterdir()) == [tmp_path / "uae.toml"]
